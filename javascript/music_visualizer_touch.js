// What the person does on the timeline: pointer, wheel, keys, borders, and the editor of one section.
(function (mv) {
    "use strict";
    const parts = (mv.parts = mv.parts || {});
    const core = () => mv.core;
    const player = () => parts.player;
    const SLACK = 4; // px a pointer may move and still be a click
    const SNAP = 6; // px within which a dragged border takes the beat
    const REST = 600; // ms after the last key before a moved border is sent

    // Becomes part of the timeline when that is built.
    parts.hands = {
        listen() {
            const surface = this.surface;
            this.pointers = new Map();
            surface.addEventListener("keydown", (event) => this.key(event));
            surface.addEventListener("pointerdown", (event) => this.down(event));
            surface.addEventListener("pointermove", (event) => this.move(event));
            surface.addEventListener("pointerup", (event) => this.up(event, true));
            surface.addEventListener("pointercancel", (event) => this.up(event, false));
            this.stage.addEventListener("wheel", (event) => this.wheel(event), {passive: false});
            this.borders.addEventListener("pointerdown", (event) => this.grab(event));
            this.borders.addEventListener("pointermove", (event) => this.pull(event));
            this.borders.addEventListener("pointerup", (event) => this.release(event, true));
            this.borders.addEventListener("pointercancel", (event) => this.release(event, false));
            for (const name of ["pointerdown", "pointermove"]) this.strip.node.addEventListener(name, (event) => this.overview(event));
            if (this.sizes) this.sizes.disconnect();
            this.sizes = new ResizeObserver(() => this.schedule());
            this.sizes.observe(this.stage);
            if (!player().listeners.length) player().listeners.push((event) => this.onPlayer(event));
        },

        // ---- pointer on the song: click seeks, drag moves the window, two fingers zoom ----

        down(event) {
            if (event.button !== 0) return;
            this.surface.setPointerCapture(event.pointerId);
            this.pointers.set(event.pointerId, this.localX(event));
            const xs = [...this.pointers.values()];
            this.gesture = {x: this.localX(event), t0: this.t0, t1: this.t1, moved: xs.length > 1, spread: Math.abs(xs[1] - xs[0]), middle: this.t((xs[0] + xs[1]) / 2)};
        },

        move(event) {
            if (!this.gesture || !this.pointers.has(event.pointerId)) return;
            const x = this.localX(event);
            this.pointers.set(event.pointerId, x);
            const xs = [...this.pointers.values()];
            if (xs.length > 1) return this.pinch(xs);
            if (!this.gesture.moved && Math.abs(x - this.gesture.x) <= SLACK) return;
            this.gesture.moved = true;
            if (this.whole()) return void this.goTo(this.t(x)); // nothing to move: the cursor follows
            const seconds = ((x - this.gesture.x) / this.width) * (this.gesture.t1 - this.gesture.t0);
            this.setWindow(this.gesture.t0 - seconds, this.gesture.t1 - seconds);
        },

        pinch(xs) {
            const {t0, t1, spread, middle} = this.gesture;
            const factor = Math.max(10, Math.abs(xs[1] - xs[0])) / Math.max(10, spread);
            const span = (t1 - t0) / factor;
            const share = (xs[0] + xs[1]) / 2 / this.width;
            this.setWindow(middle - share * span, middle + (1 - share) * span);
        },

        up(event, meant) {
            if (!this.pointers.delete(event.pointerId)) return;
            const gesture = this.gesture;
            if (this.pointers.size) {
                const x = [...this.pointers.values()][0];
                this.gesture = {x, t0: this.t0, t1: this.t1, moved: true};
                return;
            }
            this.gesture = null;
            if (meant && gesture && !gesture.moved) this.goTo(this.t(this.localX(event)));
        },

        overview(event) {
            if (event.type === "pointerdown") this.strip.node.setPointerCapture(event.pointerId);
            if (!(event.buttons & 1) || !this.data) return;
            const box = this.strip.node.getBoundingClientRect();
            const t = ((event.clientX - box.left) / box.width) * this.data.duration;
            const span = this.t1 - this.t0;
            if (this.whole()) this.goTo(t);
            else this.setWindow(t - span / 2, t + span / 2);
        },

        // Ctrl or a pinch on the pad zooms, sideways scrolls; a plain wheel zooms only once the timeline has the focus,
        // so that it never holds up a page that is scrolled past it.
        wheel(event) {
            const unit = event.deltaMode === 1 ? 16 : event.deltaMode === 2 ? 200 : 1;
            const aside = event.shiftKey && !event.deltaX ? event.deltaY : event.deltaX;
            const span = this.t1 - this.t0;
            if (!event.ctrlKey && !event.metaKey && Math.abs(aside) > Math.abs(event.shiftKey ? 0 : event.deltaY)) {
                if (this.whole()) return;
                event.preventDefault();
                const seconds = (aside * unit / this.width) * span;
                this.setWindow(this.t0 + seconds, this.t1 + seconds);
                return;
            }
            const meant = event.ctrlKey || event.metaKey || this.stage.contains(document.activeElement);
            if (!meant || event.shiftKey) return;
            if (this.whole() && event.deltaY > 0 && !event.ctrlKey) return;
            event.preventDefault();
            this.zoom(Math.exp(-event.deltaY * unit * (event.ctrlKey ? 0.01 : 0.002)), this.t(this.localX(event)));
        },

        // ---- keys ----

        key(event) {
            if (event.ctrlKey || event.metaKey) return;
            const now = player().time();
            const keys = {
                " ": () => player().toggle(),
                Enter: () => player().toggle(),
                ArrowLeft: () => this.goTo(this.step(now, -1, event)),
                ArrowRight: () => this.goTo(this.step(now, 1, event)),
                ArrowDown: () => this.goTo(this.step(now, -1, event)),
                ArrowUp: () => this.goTo(this.step(now, 1, event)),
                PageUp: () => this.goTo(this.nextSection(now, -1)),
                PageDown: () => this.goTo(this.nextSection(now, 1)),
                Home: () => this.goTo(0),
                End: () => this.goTo(this.data.duration),
                "+": () => this.zoom(1.6, this.centre()),
                "=": () => this.zoom(1.6, this.centre()),
                "-": () => this.zoom(1 / 1.6, this.centre()),
                "0": () => this.setWindow(0, this.data.duration),
                t: () => event.repeat || (parts.ear && parts.ear.tap()),
            };
            if (!Object.hasOwn(keys, event.key)) return;
            event.preventDefault();
            event.stopPropagation();
            keys[event.key]();
        },

        // The neighbouring beat; with shift the downbeat, with alt 50 ms. Outside the beats a second.
        step(now, way, event) {
            const {FINE} = this.constants;
            if (event.altKey) return now + way * FINE;
            const {beats, positions} = this.data;
            const fits = (i) => !event.shiftKey || positions[i] === 1;
            let i = way > 0 ? core().firstFrom(beats, now + 0.01) : core().firstFrom(beats, now - 0.01) - 1;
            while (i >= 0 && i < beats.length && !fits(i)) i += way;
            return i >= 0 && i < beats.length ? beats[i] : now + way;
        },

        nextSection(now, way) {
            const starts = this.data.sections.map((section) => section.start);
            const before = starts.filter((start) => start < now - 0.05);
            const after = starts.filter((start) => start > now + 0.05);
            return way > 0 ? after[0] ?? this.data.duration : before[before.length - 1] ?? 0;
        },

        // ---- borders ----

        // The nearest border counts: where sections are narrow their handles lie over each other.
        grab(event) {
            if (event.button !== 0) return;
            const x = this.localX(event);
            const sections = this.sections();
            let border = -1;
            for (let i = 1; i < sections.length; i++) {
                const near = Math.abs(this.x(sections[i].start) - x);
                if (border < 0 || near < Math.abs(this.x(sections[border].start) - x)) border = i;
            }
            if (border < 0) return;
            event.preventDefault();
            this.commitBorder();
            this.borders.setPointerCapture(event.pointerId);
            this.borderNodes[border - 1].focus({preventScroll: true});
            this.dragging = {border, id: event.pointerId, from: sections[border].start, x, moved: false};
            this.borderNodes[border - 1].classList.add("mv-dragged");
        },

        pull(event) {
            const drag = this.dragging;
            if (!drag || event.pointerId !== drag.id) return;
            const x = this.localX(event);
            if (!drag.moved && Math.abs(x - drag.x) <= SLACK) return;
            drag.moved = true;
            const wanted = drag.from + ((x - drag.x) / this.width) * (this.t1 - this.t0);
            this.moveBorder(drag.border, event.altKey ? wanted : this.snapped(wanted));
        },

        release(event, meant) {
            const drag = this.dragging;
            if (!drag || event.pointerId !== drag.id) return;
            this.dragging = null;
            this.borderNodes[drag.border - 1].classList.remove("mv-dragged");
            if (!drag.moved) return void (meant && this.goTo(this.t(this.localX(event))));
            if (meant) return void this.commitBorder();
            this.override = null;
            this.schedule();
        },

        snapped(t) {
            const {beats} = this.data;
            const i = core().firstFrom(beats, t);
            const near = [beats[i - 1], beats[i]].filter((beat) => beat !== undefined).sort((a, b) => Math.abs(a - t) - Math.abs(b - t))[0];
            return near !== undefined && Math.abs(this.x(near) - this.x(t)) <= SNAP ? near : t;
        },

        moveBorder(border, time) {
            const {SHORTEST} = this.constants;
            const sections = this.data.sections;
            const low = sections[border - 1].start + SHORTEST;
            const high = sections[border].end - SHORTEST;
            if (high < low) return;
            this.override = {border, time: this.clamp(time, low, high)};
            this.schedule();
        },

        borderKey(event, border) {
            if (event.ctrlKey || event.metaKey) return;
            const way = {ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1}[event.key];
            if (event.key === " ") {
                event.preventDefault();
                return void player().toggle();
            }
            if (event.key === "Enter") return void this.commitBorder();
            if (event.key === "Escape" && this.override) {
                event.stopPropagation();
                window.clearTimeout(this.keyTimer);
                this.keyTimer = 0;
                this.override = null;
                return void this.schedule();
            }
            if (!way) return;
            event.preventDefault();
            const now = this.sections()[border].start;
            this.moveBorder(border, this.step(now, way, {altKey: event.shiftKey || event.altKey, shiftKey: false}));
            window.clearTimeout(this.keyTimer);
            this.keyTimer = window.setTimeout(() => this.commitBorder(), REST);
        },

        // Sends the moved border, once; one at a time, as each is counted from where the server has it.
        commitBorder() {
            window.clearTimeout(this.keyTimer);
            this.keyTimer = 0;
            const moved = this.override;
            if (!moved || moved.sent) return;
            if (core().pending("border")) {
                this.keyTimer = window.setTimeout(() => this.commitBorder(), 200);
                return;
            }
            const section = this.data.sections[moved.border];
            if (!section || Math.abs(section.start - moved.time) < 0.001) {
                this.override = null;
                return void this.schedule();
            }
            moved.sent = true;
            core().send({do: "border", from: section.start, to: Math.round(moved.time * 1000) / 1000});
        },

        // ---- the editor of one section ----

        open(i) {
            const again = i >= 0 && this.opened === i;
            this.opened = again ? -1 : i;
            if (!this.editor) return;
            this.editor.replaceChildren();
            this.editor.hidden = this.opened < 0;
            if (this.opened >= 0) this.fillEditor(this.opened);
            this.schedule();
        },

        fillEditor(i) {
            const {el, button, send} = core();
            this.nameField = el("input", {type: "text", class: "mv-input", maxlength: 40, value: this.data.sections[i].label, on: {keydown: (event) => this.nameKey(event, i)}});
            this.allField = el("input", {type: "checkbox", class: "mv-check"});
            this.allText = el("span", {});
            this.all = el("label", {class: "mv-toggle"}, this.allField, this.allText);
            this.roleField = el("select", {class: "mv-input", on: {change: () => send({do: "role", section: i, role: this.roleField.value})}},
                ...this.data.roles.map((role) => el("option", {value: role, text: role})));
            this.editorHead = el("div", {class: "mv-editor-head"});
            this.editor.replaceChildren(this.editorHead, el("div", {class: "mv-editor-fields"},
                el("label", {class: "mv-labelled"}, el("span", {class: "mv-source", text: "Name"}), this.nameField), this.all,
                button("Rename", () => this.rename(i), {primary: true}),
                el("label", {class: "mv-labelled"}, el("span", {class: "mv-source", text: "Role"}), this.roleField),
                el("span", {class: "mv-gap"}),
                button("Zoom to it", () => this.setWindow(this.sections()[i].start, this.sections()[i].end)),
                button("Preview it", () => send({do: "preview", start: this.sections()[i].start, end: this.sections()[i].end})),
                button("Close", () => this.closeEditor())));
            this.refreshEditor();
            this.nameField.focus({preventScroll: true});
            this.nameField.select();
        },

        refreshEditor() {
            const {setText, clock} = core();
            const section = this.data && this.data.sections[this.opened];
            if (this.opened >= 0 && !section) return void this.open(-1);
            if (!section) return;
            const same = this.data.sections.filter((other) => other.label === section.label).length;
            if (document.activeElement !== this.nameField) this.nameField.value = section.label;
            this.roleField.value = section.role;
            this.all.hidden = same < 2;
            setText(this.allText, "all " + same + " of “" + section.label + "”");
            setText(this.editorHead, "Section " + (this.opened + 1) + " · " + clock(section.start, 1) + "–" + clock(section.end, 1));
        },

        nameKey(event, i) {
            event.stopPropagation();
            if (event.key === "Enter") this.rename(i);
            if (event.key === "Escape") this.closeEditor();
        },

        rename(i) {
            const name = this.nameField.value.trim();
            if (name && name !== this.data.sections[i].label) {
                core().send({do: "label", section: i, name, all: this.allField.checked});
            }
            this.closeEditor();
        },

        closeEditor() {
            const label = this.labelNodes[this.opened];
            this.open(-1);
            if (label) label.focus({preventScroll: true});
        },
    };
})((window.musicVisualizer = window.musicVisualizer || {}));
