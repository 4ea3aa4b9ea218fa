// Two presets on the same bars: both animatics beside each other, in step, with the sound of the first alone.
(function (mv) {
    "use strict";
    const parts = (mv.parts = mv.parts || {});
    const core = () => mv.core;

    const LOOK = 200; // ms between two looks at whether both are in step
    const JUMP = 0.25; // s apart from which the second jumps; less is made up by its speed
    const STEP = 0.02; // s that nobody sees
    const NOW = "as it is now";

    // How the second shall play to meet the first: {jump} or {rate}.
    function follow(first, second) {
        const apart = second - first;
        if (Math.abs(apart) > JUMP) return {jump: first, rate: 1};
        if (Math.abs(apart) <= STEP) return {rate: 1};
        return {rate: Math.min(1.1, Math.max(0.9, 1 - apart))};
    }

    class Pair {
        constructor(urls, names) {
            const {el, button} = core();
            const screen = (i) => el("video", {src: urls[i], playsinline: true, preload: "auto", controls: i === 0, class: "mv-video", "aria-label": names[i]});
            this.videos = [screen(0), screen(1)];
            this.videos[1].muted = true;
            const [first, second] = this.videos;
            first.addEventListener("play", () => this.go());
            for (const event of ["pause", "ended", "waiting"]) first.addEventListener(event, () => this.halt());
            for (const event of ["seeking", "seeked"]) first.addEventListener(event, () => { second.currentTime = first.currentTime; });
            first.addEventListener("playing", () => this.go());
            this.both = button("Play both", () => (first.paused ? first.play() : first.pause()), {primary: true});
            this.again = button("From the beginning", () => {
                first.currentTime = 0;
                first.play();
            });
            const titles = names.map((name, i) => el("figcaption", {class: "mv-source", text: (i ? "" : "with sound: ") + name}));
            this.node = el("div", {class: "mv-pair"},
                el("div", {class: "mv-pair-screens"}, ...this.videos.map((video, i) => el("figure", {class: "mv-pair-screen"}, video, titles[i]))),
                el("div", {class: "mv-base-row"}, this.both, this.again));
        }

        go() {
            const [first, second] = this.videos;
            if (parts.player && parts.player.playing()) parts.player.toggle(); // one sound at a time
            const started = second.play();
            if (started) started.catch(() => {});
            core().setText(this.both, "Pause both");
            window.clearInterval(this.timer);
            this.timer = window.setInterval(() => {
                if (!this.node.isConnected) return void this.stop();
                const {jump, rate} = follow(first.currentTime, second.currentTime);
                if (jump !== undefined) second.currentTime = jump;
                second.playbackRate = rate * first.playbackRate;
            }, LOOK);
        }

        halt() {
            const [first, second] = this.videos;
            window.clearInterval(this.timer);
            second.pause();
            if (first.paused || first.ended) {
                second.currentTime = first.currentTime;
                core().setText(this.both, "Play both");
            }
        }

        stop() {
            window.clearInterval(this.timer);
            for (const video of this.videos) video.pause();
        }
    }

    parts.compare = {
        follow,

        // Made by the part it stands in; it has no place of its own.
        build() {
            const {el, button, send} = core();
            const list = (label) => el("select", {class: "mv-input", "aria-label": label});
            [this.first, this.second, this.section] = [list("First preset"), list("Second preset"), list("From this section on")];
            this.go = button("Make both", () => send({
                do: "preset_compare", first: this.first.value, second: this.second.value, section: Number(this.section.value),
            }));
            this.screens = el("div", {});
            this.key = null;
            return el("div", {class: "mv-compare"}, el("div", {class: "mv-base-row"}, this.first, this.second, this.section, this.go), this.screens);
        },

        draw(data, sections) {
            const {list, text, clock} = core();
            const built = list((data.choices || {}).built).map(([id]) => [id, id]);
            const names = [["now", NOW], ...list(data.presets).map((name) => [name, name]), ...built];
            const chosen = [this.first, this.second].map((select) => select.value);
            [this.first, this.second].forEach((select, i) => {
                this.offer(select, names);
                select.value = names.some(([id]) => id === chosen[i]) ? chosen[i] : names[Math.min(i, names.length - 1)][0];
            });
            const at = this.section.value;
            this.offer(this.section, sections.map((section, i) => [String(i), "from " + text(section.label) + ", " + clock(section.start)]));
            if (sections[at]) this.section.value = at;
            this.drawPair(data.compare);
        },

        offer(select, entries) {
            const key = JSON.stringify(entries);
            if (select.dataset.key === key) return;
            select.dataset.key = key;
            select.replaceChildren(...entries.map(([id, words]) => core().el("option", {value: id, text: words})));
        },

        drawPair(compare) {
            const {list, text, safeUrl} = core();
            const urls = list(compare && compare.urls).map(safeUrl);
            const key = JSON.stringify(urls);
            if (key === this.key) return;
            this.key = key;
            if (this.pair) this.pair.stop();
            this.pair = urls.length === 2 && urls.every(Boolean) ? new Pair(urls, list(compare.names).map((name) => (name === "now" ? NOW : text(name)))) : null;
            this.screens.replaceChildren(...(this.pair ? [this.pair.node] : []));
        },
    };
})((window.musicVisualizer = window.musicVisualizer || {}));
