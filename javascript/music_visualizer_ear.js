// Who hears the beats, and the person's own hand: taps along with the music that pull the beats to where they are.
//
// A tap counts when the finger or the key goes down. Taps are only sent when the person says so; where they were tapped
// before, they take the place of those.
(function (mv) {
    "use strict";
    const parts = (mv.parts = mv.parts || {});
    if (parts.ear) return;
    const LEAST = 4;
    const REST = 4; // s without a tap after which the hand has stopped; the server judges finer

    const core = () => mv.core;
    const player = () => parts.player;

    function weight(share) {
        return Math.round(100 * core().number(share, 0)) + " %";
    }

    const ear = (parts.ear = {
        taps: [],
        project: null,

        draw(state) {
            const {el, put, text, number, root} = core();
            const view = (state.view && state.view.ear) || null;
            if (!view) return void put("ear");
            if (this.project !== text(state.view.project)) {
                this.project = text(state.view.project);
                this.taps = [];
            }
            const place = root("ear");
            const held = place && place.contains(document.activeElement) ? document.activeElement.getAttribute("data-ear") : null;
            this.kept = number(view.taps, 0);
            this.hand = el("div", {class: "mv-toolbar", role: "group", "aria-label": "Tap the beat"});
            this.said = el("span", {class: "mv-source", "aria-live": "polite"});
            this.fillHand();
            put("ear", el("section", {class: "mv mv-card mv-ear", "aria-label": "Who hears the beat"}, this.hand, this.ears(view)));
            const again = held && place.querySelector('[data-ear="' + held + '"]');
            if (again) again.focus({preventScroll: true});
        },

        // ---- tapping ----

        fillHand() {
            const {el, button} = core();
            const playable = Boolean(player().address);
            const tap = el("button", {
                type: "button", class: "mv-button mv-tap", "data-ear": "tap", disabled: !playable,
                title: "Press on each beat while the song plays (T in the timeline)", text: "Tap the beat",
            });
            tap.addEventListener("pointerdown", (event) => {
                if (event.button !== 0) return;
                event.preventDefault();
                tap.focus({preventScroll: true});
                this.tap();
            });
            tap.addEventListener("keydown", (event) => {
                if (![" ", "Enter", "t", "T"].includes(event.key) || event.ctrlKey || event.metaKey || event.altKey) return;
                event.preventDefault();
                event.stopPropagation();
                if (!event.repeat) this.tap();
            });
            // A press by voice or switch is a click alone.
            tap.addEventListener("click", (event) => {
                if (event.detail === 0) this.tap();
            });
            this.pad = tap;
            this.use = button("Use the taps", () => this.send(), {primary: true, "data-ear": "use"});
            this.drop = button("Discard them", () => this.forget(), {"data-ear": "drop"});
            const clear = button("Clear taps", () => core().send({do: "clear_taps"}), {"data-ear": "clear", title: this.kept + " taps pull the beats"});
            clear.hidden = !this.kept;
            this.hand.replaceChildren(tap, this.use, this.drop, clear, this.said);
            this.tell();
        },

        // The first press starts the song where it stands; from then on each is a tap.
        tap() {
            const now = player();
            if (!now.address) return;
            if (!now.playing()) {
                now.toggle();
                return void this.tell("Now tap along.");
            }
            const time = now.time();
            const last = this.taps[this.taps.length - 1];
            if (last !== undefined && (time < last || time - last > REST)) {
                // Gone back, or begun anew elsewhere: what was tapped where we are now is said again.
                this.taps = this.taps.filter((other) => other < time - 0.05);
            }
            this.taps.push(Math.round(time * 1000) / 1000);
            this.tell();
        },

        send() {
            const times = [...this.taps].sort((a, b) => a - b);
            if (times.length < LEAST) return;
            core().send({do: "taps", times});
            this.forget();
        },

        // The button that was pressed goes away: the focus stays at hand.
        forget() {
            this.pad.focus({preventScroll: true});
            this.taps = [];
            this.tell();
        },

        tell(line) {
            const {setText} = core();
            if (!this.said) return;
            const n = this.taps.length;
            this.use.hidden = n < LEAST;
            this.drop.hidden = !n;
            const bpm = this.tempo();
            const left = n && n < LEAST ? LEAST - n + " more" : "";
            setText(this.said, line || (n ? [n === 1 ? "1 tap" : n + " taps", left || (bpm ? "about " + bpm + " BPM" : "")].filter(Boolean).join(", ")
                : this.kept ? this.kept + " taps pull the beats where you tapped" : "Press on each beat while the song plays."));
        },

        // Of the last taps, for the person to see.
        tempo() {
            const last = this.taps.slice(-9);
            const gaps = last.slice(1).map((t, i) => t - last[i]).filter((gap) => gap > 0.15 && gap < REST).sort((a, b) => a - b);
            return gaps.length > 2 ? Math.round(60 / gaps[gaps.length >> 1]) : 0;
        },

        // ---- whose ear ----

        ears(view) {
            const {el, button, list, text, send} = core();
            const now = text(view.ear);
            const choices = list(view.choices).map((choice) => {
                const chosen = choice.id === now;
                const note = choice.usable ? text(choice.note) : "not installed here: pip install beat_this in this Python";
                const one = button(text(choice.name), () => chosen || send({do: "ear", ear: choice.id}), {
                    "data-ear": "ear-" + text(choice.id), "aria-pressed": String(chosen), title: note, class: chosen ? "mv-primary" : "",
                });
                one.disabled = !choice.usable;
                return one;
            });
            const spotify = view.heard_by === "spotify" ? el("span", {class: "mv-source", text: "now: Spotify's audio-analysis"}) : null;
            return el("div", {class: "mv-toolbar", role: "group", "aria-label": "Who hears the beats"},
                el("span", {class: "mv-source", text: "Beats heard by"}), ...choices, spotify);
        },

        // Other tempi that were heard, each one press away; for the song's card.
        readings(state) {
            const {el, button, list, number, send, pending} = core();
            const found = list(state.view && state.view.ear && state.view.ear.readings);
            if (!found.length) return null;
            const one = (reading) => {
                const times = reading.factor === 2 ? "×2" : "×½";
                const label = "or " + Math.round(number(reading.bpm, 0)) + " (" + times + ") " + weight(reading.weight);
                return button(label, () => pending("tempo") || send({do: "tempo", factor: reading.factor}), {
                    class: "mv-reading", title: "Take " + Math.round(number(reading.bpm, 0)) + " BPM instead",
                });
            };
            return el("span", {class: "mv-readings"}, ...found.map(one));
        },
    });
    void ear;
})((window.musicVisualizer = window.musicVisualizer || {}));
