// Finishing: larger pictures, more frames, other formats of a video that is painted; and how Deforum fills its cadence.
(function (mv) {
    "use strict";
    const parts = (mv.parts = mv.parts || {});
    const core = () => mv.core;

    // A list whose entries may change: what is chosen stays chosen.
    class Choice {
        constructor(label, none) {
            const {el} = core();
            this.none = none;
            this.select = el("select", {class: "mv-input", "aria-label": label});
            this.note = el("div", {class: "mv-source"});
            this.node = el("label", {class: "mv-finish-field"}, el("span", {text: label}), this.select);
        }

        draw(entries, chosen) {
            const {el, text} = core();
            const key = JSON.stringify(entries);
            const now = this.key === undefined ? text(chosen) : this.select.value;
            if (this.key !== key) {
                this.key = key;
                const first = this.none ? [el("option", {value: "", text: this.none})] : [];
                const others = entries.map((entry) => el("option", {value: text(entry.id), disabled: Boolean(text(entry.note)), text: text(entry.label) + (text(entry.note) ? " (not here)" : "")}));
                this.select.replaceChildren(...first, ...others);
                this.select.value = now;
                if (this.select.selectedIndex < 0) this.select.selectedIndex = 0;
            }
            const notes = entries.filter((entry) => text(entry.note)).map((entry) => text(entry.label) + ": " + text(entry.note));
            const line = [...new Set(notes)].join(" · ");
            if (this.note.textContent !== line) this.note.textContent = line;
            this.note.hidden = !line;
        }

        get value() {
            return this.select.value;
        }
    }

    class Result {
        constructor(name) {
            const {el, button, send} = core();
            this.head = el("span", {class: "mv-take-name", text: name});
            this.facts = el("span", {class: "mv-source"});
            this.link = el("a", {class: "mv-button", download: "", text: "Download"});
            this.pack = button("Pack for download", () => send({do: "pack_finished", name}), {"aria-label": "Pack " + name + " into one zip"});
            let sure = 0;
            const drop = button("Delete", () => {
                if (!sure) {
                    drop.textContent = "Delete for good?";
                    sure = window.setTimeout(() => { sure = 0; drop.textContent = "Delete"; }, 6000);
                    return;
                }
                window.clearTimeout(sure);
                send({do: "delete_finished", name, confirm: name});
            }, {class: "mv-stop", "aria-label": "Delete " + name});
            this.node = el("li", {class: "mv-card mv-take-section"}, el("div", {class: "mv-take-head"}, this.head, this.facts),
                el("div", {class: "mv-take-buttons"}, this.link, this.pack, drop));
        }

        draw(data) {
            const {setText, text, safeUrl, number} = core();
            const address = safeUrl(data.url);
            this.link.hidden = !address;
            if (address) this.link.href = address;
            const pictures = number(data.pictures, 0);
            this.pack.hidden = !pictures;
            setText(this.facts, text(data.size) + (pictures ? " · " + pictures + " pictures in " + text(data.place) : ""));
        }
    }

    parts.finishing = {
        results: new Map(),

        draw(state) {
            const {root, list, text, number, setText, jobs, isActive} = core();
            const place = root("finishing");
            if (!place) return;
            const view = state.view || {};
            const data = view.finishing || {};
            if (!text(view.project)) {
                this.box = null;
                return void place.replaceChildren();
            }
            if (!this.box || !place.contains(this.box) || this.project !== text(view.project)) this.build(place, view);
            const chosen = data.chosen || {};
            this.upscaler.draw(list(data.upscalers), chosen.upscaler);
            this.interpolator.draw(list(data.interpolators), chosen.interpolator);
            this.format.draw(list(data.formats), chosen.format);
            this.flow.draw(list(data.flows), data.flow);
            if (document.activeElement !== this.flow.select) this.flow.select.value = text(data.flow);
            this.flowPart.hidden = !data.deforum;
            this.data = data;
            this.part.hidden = !data.ready;
            this.told();
            const busy = jobs().some((job) => isActive(job.state) && job.project === view.project && ["visualize", "rerender", "restore", "finish"].includes(job.kind));
            this.go.disabled = busy || !data.ready;
            const seen = new Set();
            list(data.results).forEach((entry, i) => {
                const name = text(entry.name);
                seen.add(name);
                if (!this.results.has(name)) this.results.set(name, new Result(name));
                const item = this.results.get(name);
                item.draw(entry);
                if (this.made.children[i] !== item.node) this.made.insertBefore(item.node, this.made.children[i] || null);
            });
            for (const [name, item] of this.results) {
                if (seen.has(name)) continue;
                item.node.remove();
                this.results.delete(name);
            }
        },

        // What would come out, in numbers.
        told() {
            const {number, setText} = core();
            const data = this.data || {};
            const factor = this.upscaler.value ? Number(this.factor.value) : 1;
            const times = this.interpolator.value ? Number(this.times.value) : 1;
            const side = (n) => Math.floor((n * factor) / 8) * 8;
            this.factorField.hidden = !this.upscaler.value;
            this.timesField.hidden = !this.interpolator.value;
            const rate = Math.round(number(data.fps, 0) * times * 1000) / 1000;
            setText(this.out, side(number(data.width, 0)) + "×" + side(number(data.height, 0)) + " at " + rate + " fps; the sound stays as it is.");
        },

        // A job that begins or ends changes what can be pressed.
        status(state) {
            this.draw(state);
        },

        build(place, view) {
            const {el, button, text, send} = core();
            this.project = text(view.project);
            this.results.clear();
            this.upscaler = new Choice("Upscaler", "none");
            this.interpolator = new Choice("Interpolation", "none");
            this.format = new Choice("Format", "");
            this.flow = new Choice("Optical flow between diffused frames", "as the settings have it");
            this.factor = el("input", {type: "number", min: 1.25, max: 4, step: 0.25, value: 2, class: "mv-input mv-number"});
            this.times = el("input", {type: "number", min: 2, max: 8, step: 1, value: 2, class: "mv-input mv-number"});
            this.factorField = el("label", {class: "mv-finish-field"}, el("span", {text: "Times the size"}), this.factor);
            this.timesField = el("label", {class: "mv-finish-field"}, el("span", {text: "Times the frames"}), this.times);
            this.out = el("div", {class: "mv-source", "aria-live": "polite"});
            for (const node of [this.upscaler.select, this.interpolator.select, this.factor, this.times]) node.addEventListener("input", () => this.told());
            this.flow.select.addEventListener("change", () => send({do: "cadence_flow", flow: this.flow.value}));
            this.go = button("Finish", () => this.finish());
            this.made = el("ul", {class: "mv-takes", "aria-label": "Finished files"});
            this.part = el("details", {class: "mv-finish"}, el("summary", {text: "Finishing: larger, smoother, other formats"}),
                el("div", {class: "mv-source", text: "Made beside the video, which stays as it is."}),
                el("div", {class: "mv-finish-fields"}, this.upscaler.node, this.factorField, this.interpolator.node, this.timesField, this.format.node),
                this.upscaler.note, this.interpolator.note, this.out, el("div", {class: "mv-take-buttons"}, this.go), this.made);
            this.flowPart = el("div", {class: "mv-finish-fields"}, this.flow.node,
                el("div", {class: "mv-source", text: "Deforum's own, for cadences above 1; it counts from the next painting on."}));
            this.box = el("section", {class: "mv mv-takes-part", "aria-label": "Finishing"}, this.flowPart, this.part);
            place.replaceChildren(this.box);
        },

        finish() {
            const {send} = core();
            const action = {do: "finish", format: this.format.value || "mp4"};
            if (this.upscaler.value) Object.assign(action, {upscaler: this.upscaler.value, factor: Number(this.factor.value) || 2});
            if (this.interpolator.value) Object.assign(action, {interpolator: this.interpolator.value, times: Math.round(Number(this.times.value)) || 2});
            send(action);
        },
    };
})((window.musicVisualizer = window.musicVisualizer || {}));
