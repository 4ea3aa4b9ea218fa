// Base settings: ours, a settings file that the browser reads, or what stands in the Deforum tab, which saves it by its
// own button into a file that the server names; and the list of what the music drives over them.
(function (mv) {
    "use strict";
    const parts = (mv.parts = mv.parts || {});
    const core = () => mv.core;

    const SETTLES = 250; // ms until gradio has taken over what was written into its box
    const ANSWERS = 30000; // ms; the server waits 12 s for the tab
    const LOOK = 100; // ms

    // ---- the Deforum tab's own save controls ----

    const deforum = {
        box() {
            return document.querySelector("#deforum_settings_path textarea, #deforum_settings_path input");
        },

        save() {
            return document.querySelector("button#deforum_save_settings_btn, #deforum_save_settings_btn button");
        },

        // As typing would: gradio listens to the event, not to the value.
        write(box, value) {
            box.value = value;
            box.dispatchEvent(new Event("input", {bubbles: true}));
            box.dispatchEvent(new Event("change", {bubbles: true}));
        },
    };

    const pause = (ms) => new Promise((done) => window.setTimeout(done, ms));

    function token() {
        const bytes = window.crypto.getRandomValues(new Uint8Array(8));
        return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
    }

    // The tab's path box is put back whatever happens.
    async function take(path, send, pending) {
        const box = deforum.box();
        const button = deforum.save();
        if (!box || !button) throw new Error("The Deforum tab is not on this page: it may be hidden in the settings.");
        const name = token();
        const before = box.value;
        try {
            deforum.write(box, path.replace(/TOKEN\.txt$/, name + ".txt"));
            await pause(SETTLES);
            button.click();
            send({do: "base_tab", token: name});
            const until = Date.now() + ANSWERS;
            while (pending("base_tab") && Date.now() < until) await pause(LOOK);
        } finally {
            deforum.write(deforum.box() || box, before);
        }
    }

    // ---- a file of the person's ----

    // The text of a file in pieces of at most so many letters, none of which cuts a letter in two.
    function read(file, most, pieces) {
        if (file.size > 4 * most * pieces) return Promise.reject(new Error(file.name + " is too large to be a settings file."));
        return file.text().then((text) => {
            const found = [];
            for (let at = 0; at < text.length || !found.length;) {
                const end = at + most;
                const paired = end < text.length && text.charCodeAt(end - 1) >= 0xd800 && text.charCodeAt(end - 1) <= 0xdbff;
                found.push(text.slice(at, paired ? end - 1 : end));
                at += found[found.length - 1].length || 1;
            }
            if (found.length > pieces) throw new Error(file.name + " is too large to be a settings file.");
            return found;
        });
    }

    // ---- the list of what the music drives ----

    class Group {
        constructor(name) {
            const {el} = core();
            this.name = name;
            this.boxes = new Map();
            this.all = el("input", {type: "checkbox", class: "mv-check", on: {change: () => this.turn()}});
            this.list = el("div", {class: "mv-ticks"});
            this.node = el("fieldset", {class: "mv-tick-group"},
                el("legend", {}, el("label", {class: "mv-toggle"}, this.all, el("span", {text: name}))), this.list);
        }

        turn() {
            core().send({do: "base_tick", ids: [...this.boxes.keys()], on: this.all.checked});
        }

        draw(ticks) {
            const {el, text, list, setText, pending} = core();
            for (const tick of ticks) {
                const id = text(tick.id);
                if (!this.boxes.has(id)) {
                    const box = el("input", {type: "checkbox", class: "mv-check"});
                    box.addEventListener("change", () => core().send({do: "base_tick", ids: [id], on: box.checked}));
                    const note = el("span", {class: "mv-source mv-tick-note"});
                    const keys = el("code", {class: "mv-tick-keys", text: list(tick.keys).map(text).join(", ")});
                    this.boxes.set(id, {box, note});
                    this.list.append(el("label", {class: "mv-tick"}, box,
                        el("span", {class: "mv-tick-text"}, el("span", {text: text(tick.label)}), keys, note)));
                }
                const {box, note} = this.boxes.get(id);
                if (!pending("base_tick")) box.checked = Boolean(tick.on);
                setText(note, text(tick.note));
                note.hidden = !note.textContent;
            }
            const on = [...this.boxes.values()].filter(({box}) => box.checked).length;
            if (!pending("base_tick")) this.all.checked = on === this.boxes.size;
            this.all.indeterminate = on > 0 && on < this.boxes.size;
        }
    }

    // ---- the part ----

    parts.base = {
        build() {
            const {el, button} = core();
            const choice = (value, label, name) => {
                const box = el("input", {type: "radio", name: "mv-base-use", value, class: "mv-check"});
                box.addEventListener("change", () => box.checked && core().send({do: "base_use", use: value}));
                return {box, node: el("label", {class: "mv-toggle"}, box, el("span", {text: label}), name)};
            };
            this.name = el("span", {class: "mv-base-name"});
            this.ours = choice("ours", "Ours", null);
            this.file = choice("file", "Yours: ", this.name);
            this.input = el("input", {type: "file", class: "mv-file-input", id: "mv_base_file", accept: ".txt,.json", on: {change: () => this.give()}});
            this.tab = button("Take from the Deforum tab", () => this.take());
            this.noTab = el("span", {class: "mv-source", text: "What stands in the Deforum tab can be taken where this page is a tab of the WebUI."});
            this.said = el("div", {class: "mv-source", role: "status"});
            this.inside = el("ul", {class: "mv-base-inside", "aria-label": "What is in your settings"});
            this.notes = el("ul", {class: "mv-base-notes", "aria-label": "What follows from it"});
            this.groups = new Map();
            this.ticks = el("div", {class: "mv-tick-groups"});
            this.always = el("div", {class: "mv-source"});
            this.drives = el("details", {class: "mv-base-drives", open: true},
                el("summary", {text: "What the music drives; all else stays as your settings have it"}), this.ticks, this.always);
            this.box = el("section", {class: "mv mv-card mv-base", "aria-label": "Base settings"},
                el("div", {class: "mv-panel-head", text: "Base settings"}),
                el("div", {class: "mv-base-row", role: "radiogroup", "aria-label": "Base settings"}, this.ours.node, this.file.node),
                el("div", {class: "mv-base-row"},
                    el("label", {class: "mv-file", for: "mv_base_file"}, el("span", {text: "Deforum settings file"}), this.input), this.tab, this.noTab),
                this.said, this.inside, this.notes, this.drives);
        },

        draw(state) {
            const {root, setText, text, list} = core();
            const place = root("base");
            const base = state.view && state.view.base;
            if (!base || !text(state.view.project)) {
                this.box = null;
                return void place.replaceChildren();
            }
            if (!this.box || !place.contains(this.box)) {
                this.build();
                place.replaceChildren(this.box);
            }
            this.data = base;
            const used = base.use === "file";
            if (!core().pending("base_use")) {
                this.ours.box.checked = !used;
                this.file.box.checked = used;
            }
            this.file.box.disabled = !text(base.name);
            setText(this.name, text(base.name) || "no file yet");
            this.tab.hidden = !text(base.tab);
            this.noTab.hidden = !this.tab.hidden;
            this.tab.disabled = Boolean(this.busy);
            this.lines(this.inside, text(base.name) ? list(base.lines) : []);
            this.lines(this.notes, [...(text(base.name) ? list(base.warnings) : []), ...list(base.notes)]);
            this.drives.hidden = !used;
            this.drawTicks(list(base.ticks));
            setText(this.always, "Always ours: " + list(base.always).map((entry) => text(entry.key) + " (" + text(entry.why) + ")").join(", "));
        },

        lines(place, lines) {
            const {el, text} = core();
            const wanted = lines.map(text).filter(Boolean);
            place.hidden = !wanted.length;
            if (place.dataset.key === JSON.stringify(wanted)) return;
            place.dataset.key = JSON.stringify(wanted);
            place.replaceChildren(...wanted.map((line) => el("li", {text: line})));
        },

        drawTicks(ticks) {
            const {text} = core();
            const names = [...new Set(ticks.map((tick) => text(tick.group)))];
            for (const name of names) {
                if (!this.groups.has(name)) {
                    this.groups.set(name, new Group(name));
                    this.ticks.append(this.groups.get(name).node);
                }
                this.groups.get(name).draw(ticks.filter((tick) => text(tick.group) === name));
            }
        },

        give() {
            const file = this.input.files[0];
            if (!file) return;
            this.tell("Reading " + file.name + "…");
            const {number, send} = core();
            read(file, number(this.data.most, 300000), number(this.data.pieces, 1)).then((found) => {
                const name = token();
                if (found.length === 1) send({do: "base_file", name: file.name, text: found[0]});
                else found.forEach((text, part) => send({do: "base_file", name: file.name, text, part, of: found.length, token: name}));
                this.tell("");
            }, (error) => this.tell(error.message)).finally(() => { this.input.value = ""; });
        },

        take() {
            const {send, pending, text} = core();
            if (this.busy) return;
            this.busy = this.tab.disabled = true;
            this.tell("The Deforum tab saves its settings…");
            take(text(this.data.tab), send, pending).then(() => this.tell(""), (error) => this.tell(error.message)).finally(() => {
                this.busy = this.tab.disabled = false;
            });
        },

        tell(line) {
            core().setText(this.said, line);
        },
    };
})((window.musicVisualizer = window.musicVisualizer || {}));
