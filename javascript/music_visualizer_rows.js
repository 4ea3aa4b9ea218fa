// The prompts, a row per section. What the person is typing is never lost: a field keeps its text while it has the
// focus and until the server has answered with what was sent.
(function (mv) {
    "use strict";
    const parts = (mv.parts = mv.parts || {});
    const core = () => mv.core;
    const PAUSE = 2500; // ms without a key, then the text is sent: a reload loses little

    // A textarea that knows what the server has: "known" is the server's text, "sent" what is under way.
    class Field {
        constructor(label, rows, commit) {
            const {el} = core();
            this.known = null;
            this.sent = null;
            this.commitTo = commit;
            this.area = el("textarea", {rows, class: "mv-text", "aria-label": label, spellcheck: "false", dir: "auto"});
            this.area.addEventListener("input", () => this.typed());
            this.area.addEventListener("change", () => this.commit());
            this.area.addEventListener("blur", () => this.commit());
            this.node = el("div", {class: "mv-field prompt"}, this.area); // "prompt": the WebUI's Ctrl+Up edits weights there
        }

        typed() {
            window.clearTimeout(this.timer);
            this.fit();
            if (this.area.value.trim()) this.timer = window.setTimeout(() => this.commit(), PAUSE);
        }

        commit() {
            window.clearTimeout(this.timer);
            const now = this.area.value;
            if (now === (this.sent === null ? this.known : this.sent)) return;
            this.sent = now;
            this.commitTo(now);
        }

        // The server's text. It waits while ours is under way or being typed; a refused text stays, marked, for mending.
        set(value) {
            const before = this.known;
            const typing = document.activeElement === this.area && before !== null && this.area.value !== before;
            const sent = this.sent;
            if (sent !== null && (value === sent || !core().pending("row"))) this.sent = null;
            this.known = value;
            if (this.sent !== null || typing) return;
            const refused = sent !== null && value === before && value !== sent && sent.trim() !== "";
            this.area.classList.toggle("mv-unsaved", refused);
            if (refused || this.area.value === value) return;
            this.area.value = value;
            this.fit();
        }

        // As high as its text; measured only when text or width are new, since measuring lays out the page.
        fit() {
            const width = this.area.clientWidth;
            if (!width || (this.fitted && this.fitted.width === width && this.fitted.text === this.area.value)) return;
            this.fitted = {width, text: this.area.value};
            this.area.style.height = "auto";
            this.area.style.height = Math.min(this.area.scrollHeight + 2, 320) + "px";
        }
    }

    class Row {
        constructor(index) {
            const {el, button, send} = core();
            this.data = {};
            this.chip = el("span", {class: "mv-chip", "aria-hidden": "true"});
            this.label = el("span", {class: "mv-row-label"});
            this.role = el("span", {class: "mv-row-role"});
            this.time = button("", () => parts.timeline && parts.timeline.goTo(this.data.from, true), {class: "mv-time"});
            this.edited = el("span", {class: "mv-mark", text: "edited", title: "Your own text; producing prompts again leaves it as it is."});
            this.linked = el("input", {type: "checkbox", class: "mv-check", on: {change: () => send({do: "link", section: index, linked: this.linked.checked})}});
            this.linkText = el("span", {});
            this.link = el("label", {class: "mv-toggle", title: "Linked sections share one text"}, this.linked, this.linkText);
            this.prompt = new Field("Prompt", 2, (text) => send({do: "row", section: index, prompt: text}));
            this.negative = new Field("Negative prompt", 2, (text) => send({do: "row", section: index, negative: text}));
            this.negative.area.placeholder = "as for all sections";
            this.newText = el("span", {class: "mv-suggested"});
            this.take = button("Take it", (event) => {
                if (event.detail === 0) this.prompt.area.focus(); // by keyboard: the button is about to go
                send({do: "take", section: index});
            });
            this.difference = el("div", {class: "mv-difference"}, el("span", {class: "mv-source", text: "Suggested now"}), this.newText, this.take);
            this.node = el("li", {class: "mv-card mv-row"},
                el("div", {class: "mv-row-head"}, this.chip, this.label, this.role, this.time, this.edited, this.link),
                el("div", {class: "mv-row-fields"},
                    el("div", {}, el("div", {class: "mv-source", text: "Prompt"}), this.prompt.node, this.difference),
                    el("div", {}, el("div", {class: "mv-source", text: "Negative prompt"}), this.negative.node)));
        }

        draw(data, hue) {
            const {setText, text, clock, number} = core();
            this.data = data;
            const label = text(data.label);
            const of = number(data.of, 1);
            const span = clock(data.from) + "–" + clock(data.to);
            this.chip.style.background = hue;
            setText(this.label, label);
            setText(this.role, text(data.role) === label ? "" : text(data.role));
            this.role.hidden = !this.role.textContent;
            setText(this.time, span);
            this.time.setAttribute("aria-label", "Go to " + span);
            this.edited.hidden = !data.edited;
            this.link.hidden = of < 2;
            if (document.activeElement !== this.linked || !core().pending("link")) this.linked.checked = Boolean(data.linked);
            setText(this.linkText, "linked, " + number(data.occurrence, 1) + " of " + of);
            this.prompt.area.setAttribute("aria-label", "Prompt of " + label + ", " + span);
            this.negative.area.setAttribute("aria-label", "Negative prompt of " + label + ", " + span);
            this.prompt.set(text(data.prompt));
            this.negative.set(text(data.negative));
            const suggested = typeof data.suggested === "string" && data.suggested !== data.prompt ? data.suggested : "";
            this.difference.hidden = !suggested;
            setText(this.newText, suggested);
        }

        fit() {
            this.prompt.fit();
            this.negative.fit();
        }
    }

    parts.rows = {
        project: null,
        rows: [],
        draw(state) {
            const {el, root, list, text} = core();
            const place = root("rows");
            const view = state.view || {};
            const data = list(view.rows);
            if (!data.length) {
                this.box = null;
                this.rows = [];
                return void place.replaceChildren();
            }
            if (!this.box || !place.contains(this.box) || this.project !== text(view.project)) {
                this.project = text(view.project);
                this.rows = [];
                this.box = el("ol", {class: "mv mv-rows", "aria-label": "Prompts, section by section"});
                place.replaceChildren(this.box);
                this.watchWidth();
            }
            while (this.rows.length > data.length) this.rows.pop().node.remove();
            data.forEach((entry, i) => {
                if (!this.rows[i]) {
                    this.rows.push(new Row(i));
                    this.box.append(this.rows[i].node);
                }
                const section = list(view.sections)[i] || {};
                this.rows[i].draw(entry, parts.timeline.hue(section.color));
            });
            window.requestAnimationFrame(() => this.rows.forEach((row) => row.fit()));
        },

        // Heights of texts can only be known when the tab is shown, and change with its width.
        watchWidth() {
            if (this.sizes) this.sizes.disconnect();
            let width = 0;
            this.sizes = new ResizeObserver(() => {
                const now = this.box ? this.box.clientWidth : 0;
                if (now && now !== width) this.rows.forEach((row) => row.fit());
                width = now;
            });
            this.sizes.observe(this.box);
        },
    };

    // What producing again suggests instead of a candidate that was edited.
    parts.candidates = {
        draw(state) {
            const {el, put, button, list, text, send} = core();
            const differing = list((state.view || {}).candidates).map((entry, i) => ({i, text: text(entry && entry.suggested)})).filter((entry) => entry.text);
            const line = (entry) => el("li", {class: "mv-difference"}, el("span", {class: "mv-source", text: "Candidate " + (entry.i + 1) + ", suggested now"}),
                el("span", {class: "mv-suggested", text: entry.text}),
                button("Take it", () => send({do: "take_candidate", index: entry.i}), {"aria-label": "Take the suggested candidate " + (entry.i + 1)}));
            put("candidates", differing.length ? el("ul", {class: "mv", "aria-label": "Suggested candidates"}, ...differing.map(line)) : null);
        },
    };
})((window.musicVisualizer = window.musicVisualizer || {}));
