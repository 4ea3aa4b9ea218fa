// The timeline: waveform, beats, sections, energy and curves of the visible stretch on one canvas; section names and
// borders are elements above it, so that keyboard, touch and screen readers reach them.
//
// Conventions: "t" is a time in seconds, "x" a place in CSS pixels from the stage's left edge; y grows downwards.
(function (mv) {
    "use strict";
    const parts = (mv.parts = mv.parts || {});
    const core = () => mv.core;
    const player = () => parts.player;

    const RULER = 22;
    const BAND = 40;
    const WAVE_TOP = RULER + BAND + 4;
    const WAVE = 112;
    const BEATS_TOP = WAVE_TOP + WAVE + 4;
    const BEATS = 14;
    const LANES_TOP = BEATS_TOP + BEATS + 8;
    const LANE = 42;
    const HITS = 18;
    const STRIP = 32;
    const NARROWEST = 2; // s, the closest zoom
    const SHORTEST = 0.5; // s, no section gets shorter here; the server has the last word
    const FINE = 0.05; // s
    const STEPS = [0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1200];
    // Every hue has 3:1 against its background; text is never painted in them.
    const LIGHT = ["#4f46e5", "#0d9488", "#c2410c", "#be185d", "#0369a1", "#7c3aed", "#4d7c0f", "#b91c1c", "#a16207", "#57534e"];
    const DARK = ["#818cf8", "#2dd4bf", "#fb923c", "#f472b6", "#38bdf8", "#c084fc", "#a3e635", "#f87171", "#facc15", "#a8a29e"];

    const clamp = (value, low, high) => Math.min(Math.max(value, low), Math.max(low, high));

    function hue(index) {
        const colours = core().isDark() ? DARK : LIGHT;
        const i = Math.max(0, Math.floor(core().number(index, 0)));
        return colours[i % colours.length];
    }

    function tint(colour, alpha) {
        const n = parseInt(colour.slice(1), 16);
        return "rgba(" + (n >> 16) + "," + ((n >> 8) & 255) + "," + (n & 255) + "," + alpha + ")";
    }

    const timeline = (parts.timeline = {
        hue,
        project: null,
        data: null,
        t0: 0,
        t1: 1,
        override: null, // {border, time}: a border that was moved here and not answered yet
        follows: true,
        opened: -1, // the section whose editor is open

        // ---- data ----

        draw(state) {
            const {root, text} = core();
            const view = state.view || {};
            const place = root("timeline");
            if (!view.song || !core().number(view.song.duration, 0) || !core().list(view.sections).length) {
                this.data = null;
                this.box = null;
                player().load("", 0, [], []);
                return void place.replaceChildren();
            }
            if (!this.box || !place.contains(this.box)) this.build(place);
            const other = this.project !== text(view.project) || !this.data || this.data.duration !== view.song.duration;
            this.data = readData(view);
            if (other) {
                this.project = text(view.project);
                this.t0 = 0;
                this.t1 = this.data.duration;
                this.override = null;
                this.open(-1);
            }
            if (this.override && !this.dragging && !this.keyTimer && !core().pending("border")) this.override = null;
            if (this.override && this.override.border >= this.data.sections.length) this.override = null;
            player().load(view.song.audio_url, core().number(view.song.start, 0), this.data.beats, this.data.positions);
            this.play.disabled = !player().address;
            this.strip.dirty = true;
            this.layout();
            this.refreshEditor();
            this.schedule();
        },

        stretch() {
            if (!this.data || this.whole()) return null;
            return {start: Math.round(this.t0 * 1000) / 1000, end: Math.round(this.t1 * 1000) / 1000};
        },

        whole() {
            return this.t1 - this.t0 >= this.data.duration - 0.001;
        },

        // Sections with a border that is being moved where it is now.
        sections() {
            const moved = this.override;
            if (!moved) return this.data.sections;
            return this.data.sections.map((section, i) => ({
                ...section,
                start: i === moved.border ? moved.time : section.start,
                end: i === moved.border - 1 ? moved.time : section.end,
            }));
        },

        sectionAt(t) {
            return this.sections().findIndex((section) => t >= section.start && t < section.end);
        },

        // ---- elements ----

        build(place) {
            const {el, button} = core();
            Object.assign(this, parts.hands);
            this.play = button("▶", () => player().toggle(), {class: "mv-play mv-icon", "aria-label": "Play", title: "Play or pause (space)", primary: true});
            this.now = el("span", {class: "mv-now"});
            this.here = el("span", {class: "mv-here"});
            this.clicks = el("input", {type: "checkbox", class: "mv-check", on: {change: () => player().setClicks(this.clicks.checked)}});
            const middle = () => this.centre();
            const tools = el("div", {class: "mv-toolbar", role: "toolbar", "aria-label": "Timeline"},
                this.play, el("div", {class: "mv-clock"}, this.now, this.here), el("span", {class: "mv-gap"}),
                el("label", {class: "mv-toggle", title: "Hear the beats over the music"}, this.clicks, el("span", {text: "Clicks"})),
                el("div", {class: "mv-zoom"},
                    button("−", () => this.zoom(1 / 1.6, middle()), {class: "mv-icon", "aria-label": "Zoom out", title: "Zoom out (−)"}),
                    button("+", () => this.zoom(1.6, middle()), {class: "mv-icon", "aria-label": "Zoom in", title: "Zoom in (+)"}),
                    button("Whole song", () => this.setWindow(0, this.data.duration), {title: "Show the whole song (0)"})));
            this.buildStage();
            this.buildStrip();
            this.editor = el("div", {class: "mv-editor", hidden: true});
            this.silent = el("div", {class: "mv-source", hidden: true, text: "This browser cannot play the song's file; everything else works."});
            this.help = el("div", {class: "mv-legend"});
            this.box = el("section", {class: "mv mv-card mv-timeline", "aria-label": "Timeline"},
                tools, this.silent, this.strip.node, this.stage, this.help, this.editor, player().element());
            this.buildLegend();
            place.replaceChildren(this.box);
            this.listen();
        },

        buildStage() {
            const {el} = core();
            this.canvas = el("canvas", {class: "mv-canvas", "aria-hidden": "true"});
            this.surface = el("div", {
                class: "mv-surface", role: "slider", tabindex: 0, "aria-label": "Place in the song", "aria-orientation": "horizontal", "aria-valuemin": 0,
            }, this.canvas);
            this.cursor = el("div", {class: "mv-cursor", "aria-hidden": "true"});
            this.band = el("div", {class: "mv-band"});
            this.borders = el("div", {class: "mv-borders"});
            this.names = el("div", {class: "mv-lane-names", "aria-hidden": "true"});
            this.stage = el("div", {class: "mv-stage"}, this.surface, this.names, this.band, this.borders, this.cursor);
            this.band.style.top = RULER + "px";
            this.band.style.height = BAND + "px";
            this.borders.style.top = WAVE_TOP + "px";
            this.borders.style.height = WAVE + "px";
            this.labelNodes = [];
            this.borderNodes = [];
        },

        buildStrip() {
            const {el} = core();
            const canvas = el("canvas", {class: "mv-canvas"});
            const pane = el("div", {class: "mv-pane"});
            const mark = el("div", {class: "mv-strip-mark"});
            this.strip = {canvas, pane, mark, dirty: true, node: el("div", {class: "mv-strip", "aria-hidden": "true"}, canvas, pane, mark)};
            this.strip.node.style.height = STRIP + "px";
        },

        buildLegend() {
            const {el} = core();
            const entry = (kind, text) => el("span", {class: "mv-legend-entry"}, el("i", {class: "mv-swatch mv-swatch-" + kind, "aria-hidden": "true"}), el("span", {text}));
            this.help.append(entry("energy", "energy"), entry("beat", "beat"), entry("down", "downbeat"), entry("hit", "hit"),
                el("span", {class: "mv-keys", text: "← → beat · shift bar · page section · + − zoom · space play · T tap · drag a border, click a name"}));
        },

        // Labels and borders are made anew only when their number changes.
        layout() {
            const count = this.data.sections.length;
            if (this.labelNodes.length !== count) {
                this.labelNodes = this.data.sections.map((_, i) => this.makeLabel(i));
                this.borderNodes = this.data.sections.slice(1).map((_, i) => this.makeBorder(i + 1));
                this.band.replaceChildren(...this.labelNodes);
                this.borders.replaceChildren(...this.borderNodes);
            }
            this.data.sections.forEach((section, i) => this.fillLabel(i, section));
            const {el, setText} = core();
            const lanes = this.data.series;
            while (this.names.childElementCount > lanes.length) this.names.lastChild.remove();
            lanes.forEach((lane, i) => {
                if (!this.names.children[i]) this.names.append(el("span", {class: "mv-lane-name"}));
                const node = this.names.children[i];
                node.style.top = LANES_TOP + i * LANE + "px";
                setText(node, lane.title);
            });
            this.height = LANES_TOP + lanes.length * LANE + (this.data.hits.length ? HITS : 0);
            this.stage.style.height = this.height + "px";
            this.surface.setAttribute("aria-valuemax", String(Math.round(this.data.duration * 10) / 10));
        },

        makeLabel(i) {
            const {el} = core();
            return el("button", {type: "button", class: "mv-label", on: {click: () => this.open(i), focus: () => this.reveal(this.data.sections[i].start, this.data.sections[i].end)}},
                el("span", {class: "mv-label-name"}), el("span", {class: "mv-label-role"}));
        },

        fillLabel(i, section) {
            const {setText, clock} = core();
            const node = this.labelNodes[i];
            setText(node.firstChild, section.label);
            setText(node.lastChild, section.role === section.label ? "" : section.role);
            const name = section.label + (section.role === section.label ? "" : ", " + section.role);
            node.title = name + " · " + clock(section.start) + "–" + clock(section.end);
            node.setAttribute("aria-label", "Section " + (i + 1) + ": " + name + ", from " + clock(section.start) + " to " + clock(section.end) + ". Rename");
        },

        makeBorder(i) {
            const {el} = core();
            const node = el("div", {class: "mv-border", role: "slider", tabindex: 0, "aria-orientation": "horizontal", title: "Drag, or ← → by a beat, shift ← → by 50 ms"},
                el("span", {class: "mv-grip", "aria-hidden": "true"}));
            node.addEventListener("keydown", (event) => this.borderKey(event, i));
            node.addEventListener("blur", () => this.commitBorder());
            node.addEventListener("focus", () => this.reveal(this.sections()[i].start));
            return node;
        },

        // ---- window and zoom ----

        setWindow(t0, t1) {
            const duration = this.data.duration;
            const span = clamp(t1 - t0, Math.min(NARROWEST, duration), duration);
            this.t0 = clamp(t0, 0, duration - span);
            this.t1 = this.t0 + span;
            const now = player().time();
            if (player().playing()) this.follows = now >= this.t0 && now <= this.t1;
            this.schedule();
        },

        zoom(factor, around) {
            const span = (this.t1 - this.t0) / factor;
            const share = (around - this.t0) / (this.t1 - this.t0);
            this.setWindow(around - share * span, around + (1 - share) * span);
        },

        // The cursor when it can be seen, else the middle.
        centre() {
            const now = player().time();
            return now >= this.t0 && now <= this.t1 ? now : (this.t0 + this.t1) / 2;
        },

        reveal(from, to) {
            const end = to === undefined ? from : to;
            if ((from >= this.t0 && from <= this.t1) || (end > this.t0 && from < this.t1)) return;
            const span = this.t1 - this.t0;
            this.setWindow(from - span * 0.3, from + span * 0.7);
        },

        goTo(t, show) {
            if (!this.data) return;
            player().seek(clamp(t, 0, this.data.duration));
            this.follows = true;
            this.reveal(t);
            if (show && this.box) this.box.scrollIntoView({block: "nearest"});
            this.schedule();
        },

        x(t) {
            return ((t - this.t0) / (this.t1 - this.t0)) * this.width;
        },

        t(x) {
            return this.t0 + (x / Math.max(1, this.width)) * (this.t1 - this.t0);
        },

        localX(event) {
            return event.clientX - this.stage.getBoundingClientRect().left;
        },

        // ---- frames ----

        schedule() {
            if (this.frame) return;
            this.frame = window.requestAnimationFrame(() => {
                this.frame = 0;
                if (this.data && this.box) this.paintAll();
            });
        },

        paintAll() {
            this.width = this.stage.clientWidth;
            if (!this.width) return; // the tab is hidden: drawn when it gets a width
            parts.painter.stage(this);
            parts.painter.strip(this);
            this.placeLabels();
            this.placeBorders();
            this.placeCursor();
        },

        placeLabels() {
            this.sections().forEach((section, i) => {
                const node = this.labelNodes[i];
                const left = clamp(this.x(section.start), 0, this.width);
                const right = clamp(this.x(section.end), 0, this.width);
                const out = right - left < 1;
                const colour = hue(section.color);
                node.classList.toggle("mv-out", out);
                node.classList.toggle("mv-tight", right - left < 34);
                node.classList.toggle("mv-open", this.opened === i);
                node.style.left = Math.min(left, this.width - 2) + "px";
                node.style.width = Math.max(2, right - left - 2) + "px";
                node.style.background = tint(colour, core().isDark() ? 0.3 : 0.18);
                node.style.borderTopColor = colour;
            });
        },

        placeBorders() {
            const {clock} = core();
            const sections = this.sections();
            this.borderNodes.forEach((node, k) => {
                const i = k + 1;
                const time = sections[i].start;
                const x = this.x(time);
                node.classList.toggle("mv-out", x < -1 || x > this.width + 1);
                node.style.left = clamp(x, 0, this.width) + "px";
                node.setAttribute("aria-label", "Border between " + sections[k].label + " and " + sections[i].label);
                node.setAttribute("aria-valuemin", (sections[k].start + SHORTEST).toFixed(2));
                node.setAttribute("aria-valuemax", (sections[i].end - SHORTEST).toFixed(2));
                node.setAttribute("aria-valuenow", time.toFixed(2));
                node.setAttribute("aria-valuetext", clock(time, 2));
            });
        },

        placeCursor() {
            const {setText, clock} = core();
            const now = Math.min(player().time(), this.data.duration);
            const x = this.x(now);
            this.cursor.style.transform = "translateX(" + x.toFixed(2) + "px)";
            this.cursor.hidden = x < 0 || x > this.width;
            this.strip.mark.style.transform = "translateX(" + ((now / this.data.duration) * this.width).toFixed(2) + "px)";
            const section = this.data.sections[this.sectionAt(now)];
            setText(this.now, clock(now, 1) + " / " + clock(this.data.duration));
            setText(this.here, section ? section.label : "");
            const second = Math.floor(now * (player().playing() ? 0.2 : 20)); // a reader is not told every frame
            if (second === this.told) return;
            this.told = second;
            this.surface.setAttribute("aria-valuenow", now.toFixed(2));
            this.surface.setAttribute("aria-valuetext", clock(now, 1) + (section ? ", " + section.label : ""));
        },

        run() {
            if (!this.data || !this.box) return;
            const now = player().time();
            const span = this.t1 - this.t0;
            if (now >= this.data.duration && player().playing()) player().audio.pause(); // the file may go on after the range
            if (this.follows && !this.whole() && !this.gesture && !this.dragging && (now > this.t0 + span * 0.97 || now < this.t0)) {
                this.setWindow(now - span * 0.05, now + span * 0.95);
            }
            if (this.width) this.placeCursor();
            if (player().playing()) window.requestAnimationFrame(() => this.run());
        },

        onPlayer(event) {
            if (!this.box) return;
            const playing = player().playing();
            core().setText(this.play, playing ? "❚❚" : "▶");
            this.play.setAttribute("aria-label", playing ? "Pause" : "Play");
            this.silent.hidden = !player().failed;
            if (event === "play") {
                this.follows = true;
                this.run();
            } else if (event !== "timeupdate") {
                this.schedule();
            }
        },
    });

    function readData(view) {
        const {list, number, text} = core();
        const wave = view.waveform || {};
        const curves = view.curves || {};
        const numbers = (values) => Float64Array.from(list(values), (value) => number(value, 0));
        const series = list(curves.series).filter((lane) => lane && list(lane.values).length).map((lane) => ({
            title: [text(lane.name).replace(/_schedule$/, "").replaceAll("_", " "), range(lane.min, lane.max)].filter(Boolean).join("  "),
            values: numbers(lane.values),
        }));
        const duration = view.song.duration;
        return {
            duration,
            wave: {rate: number(wave.rate, 0), min: numbers(wave.min), max: numbers(wave.max)},
            energy: {rate: number((view.energy || {}).rate, 0), values: numbers((view.energy || {}).values)},
            beats: numbers(view.beats),
            positions: numbers(view.positions),
            sections: list(view.sections).map((section) => ({
                start: number(section.start, 0),
                end: number(section.end, duration),
                label: text(section.label),
                role: text(section.role),
                color: number(section.color, 0),
            })),
            roles: list(view.roles).map(text),
            series,
            rate: number(curves.rate, 1) || 1,
            start: number(curves.start, 0),
            hits: numbers(curves.hits || (list(curves.series).find((lane) => lane && lane.hits) || {}).hits).sort(),
        };
    }

    function range(low, high) {
        const {number} = core();
        if (number(low, null) === null || number(high, null) === null) return "";
        const digits = Math.abs(high - low) < 1 ? 3 : 1;
        const show = (value) => String(Number(value.toFixed(digits)));
        return show(low) === show(high) ? show(low) : show(low) + " to " + show(high);
    }

    timeline.constants = {RULER, BAND, WAVE_TOP, WAVE, BEATS_TOP, BEATS, LANES_TOP, LANE, HITS, STRIP, SHORTEST, FINE, STEPS};
    timeline.clamp = clamp;
    timeline.tint = tint;
})((window.musicVisualizer = window.musicVisualizer || {}));
