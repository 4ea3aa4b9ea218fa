// The song's sound and the clicks over it. The clicks are placed on the sound card's own clock, a fifth of a second
// ahead, so that a busy page never makes them late.
(function (mv) {
    "use strict";
    const parts = (mv.parts = mv.parts || {});
    const core = () => mv.core;

    const AHEAD = 0.2; // s
    const EVERY = 50; // ms between two looks ahead
    const CLICK = 0.03; // s

    const player = (parts.player = {
        beats: [],
        positions: [],
        start: 0, // where the analysed range begins in the file, s; every other time here is one of the range
        clicking: false,
        listeners: [],
        scheduled: -1, // index of the last beat handed to the sound card

        // The <audio> element, made once; it stays the same while the page is drawn anew.
        element() {
            if (this.audio) return this.audio;
            const audio = document.createElement("audio");
            audio.id = core().PREFIX + "audio";
            audio.preload = "metadata";
            for (const event of ["play", "pause", "seeked", "ended", "error", "loadedmetadata", "timeupdate"]) {
                audio.addEventListener(event, () => this.changed(event));
            }
            this.audio = audio;
            return audio;
        },

        load(url, start, beats, positions) {
            const address = core().safeUrl(url);
            const audio = this.element();
            this.start = start;
            this.beats = beats;
            this.positions = positions;
            this.scheduled = -1;
            if (this.address === address) return;
            this.address = address;
            this.failed = false;
            audio.pause();
            this.wanted = undefined;
            if (!address) return void audio.removeAttribute("src");
            audio.src = address;
            if (start) this.seek(0);
        },

        changed(event) {
            if (event === "error" && this.address) this.failed = true;
            if (event === "seeked" || event === "pause") this.hush();
            if (event === "play") this.tick();
            this.listeners.forEach((listener) => listener(event));
        },

        playing() {
            return Boolean(this.audio && !this.audio.paused && !this.audio.ended);
        },

        time() {
            if (this.wanted !== undefined) return this.wanted;
            return this.audio ? Math.max(0, this.audio.currentTime - this.start) : 0;
        },

        // Before the file is known to the browser a place can be chosen, too.
        seek(seconds) {
            const audio = this.element();
            const time = Math.max(0, seconds);
            if (audio.readyState > 0) {
                this.wanted = undefined;
                audio.currentTime = this.start + time;
            } else {
                this.wanted = time;
                audio.addEventListener("loadedmetadata", () => {
                    if (this.wanted !== undefined) audio.currentTime = this.start + this.wanted;
                    this.wanted = undefined;
                }, {once: true});
            }
            this.hush();
            this.listeners.forEach((listener) => listener("seek"));
        },

        toggle() {
            const audio = this.element();
            if (!this.address) return;
            if (this.playing()) return void audio.pause();
            this.sound();
            const started = audio.play();
            if (started) {
                started.catch((error) => {
                    if (error.name === "AbortError") return;
                    this.failed = true;
                    this.listeners.forEach((listener) => listener("error"));
                });
            }
        },

        setClicks(on) {
            this.clicking = on;
            if (on) this.sound();
            else this.hush();
            if (this.playing()) this.tick();
        },

        // The context may only start in answer to a key or a pointer.
        sound() {
            if (!this.clicking) return null;
            const Context = window.AudioContext || window.webkitAudioContext;
            if (!this.context && Context) {
                this.context = new Context();
                this.renew();
            }
            if (this.context && this.context.state === "suspended") this.context.resume();
            return this.context;
        },

        renew() {
            this.out = this.context.createGain();
            this.out.gain.value = 0.5;
            this.out.connect(this.context.destination);
        },

        // Takes back the clicks that are placed but not heard yet.
        hush() {
            this.scheduled = -1;
            this.offset = undefined;
            if (!this.out) return;
            this.out.disconnect();
            this.renew();
        },

        tick() {
            window.clearTimeout(this.timer);
            if (!this.playing() || !this.clicking) return;
            this.timer = window.setTimeout(() => this.tick(), EVERY);
            const context = this.sound();
            if (!context || context.state !== "running") return;
            const offset = this.clockOffset(context);
            const now = context.currentTime - offset;
            let i = Math.max(this.scheduled + 1, mv.core.firstFrom(this.beats, now - 0.005));
            for (; i < this.beats.length && this.beats[i] < now + AHEAD; i++) {
                this.click(this.beats[i] + offset, this.positions[i] === 1);
                this.scheduled = i;
            }
        },

        // Card's clock minus song's clock, smoothed: browsers step an element's time. A jump starts afresh.
        clockOffset(context) {
            const seen = context.currentTime - this.audio.currentTime + this.start;
            const jumped = this.offset === undefined || Math.abs(seen - this.offset) > 0.08;
            this.offset = jumped ? seen : this.offset + 0.1 * (seen - this.offset);
            return this.offset;
        },

        click(at, down) {
            const context = this.context;
            const start = Math.max(at, context.currentTime);
            const tone = context.createOscillator();
            const shape = context.createGain();
            tone.frequency.value = down ? 1760 : 1100;
            shape.gain.setValueAtTime(down ? 0.9 : 0.6, start);
            shape.gain.exponentialRampToValueAtTime(0.001, start + CLICK);
            tone.connect(shape).connect(this.out);
            tone.start(start);
            tone.stop(start + CLICK);
        },
    });
    void player;
})((window.musicVisualizer = window.musicVisualizer || {}));
