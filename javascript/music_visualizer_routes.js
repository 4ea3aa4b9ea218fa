// Advanced motion: routes as rows, formulas, pins, and presets of the person's own. What is being typed stays while the
// part is drawn again; what the server refuses stays too, marked, and is told under Motion.
(function (mv) {
    "use strict";
    const parts = (mv.parts = mv.parts || {});
    const core = () => mv.core;

    // ---- cells ----

    // An input that knows what the server has. "read" gives its value, "commit" sends it.
    class Cell {
        constructor(label, input, read, write, commit) {
            const {el} = core();
            this.input = input;
            this.read = read;
            this.write = write;
            this.sent = null;
            input.classList.add("mv-input");
            input.setAttribute("aria-label", label);
            this.node = el("label", {class: "mv-cell"}, el("span", {class: "mv-source", "aria-hidden": "true", text: label}), input);
            input.addEventListener("change", () => {
                const now = read(input);
                this.refused = false;
                input.classList.remove("mv-unsaved");
                if (now === null || now === this.known) return;
                this.sent = now;
                commit(now);
            });
        }

        // Waits while ours is under way or being typed; a refused one stays, marked, for mending.
        draw(value, pending) {
            if (pending && this.known !== undefined) return;
            const typing = document.activeElement === this.input && this.known !== undefined && this.sent === null && this.read(this.input) !== this.known;
            if (value !== this.known) this.refused = false;
            else if (this.sent !== null) this.refused = value !== this.sent;
            this.sent = null;
            this.known = value;
            this.input.classList.toggle("mv-unsaved", Boolean(this.refused));
            if (!typing && !this.refused) this.write(this.input, value);
        }
    }

    function numberCell(label, commit, optional) {
        const input = core().el("input", {type: "number", step: "any", inputmode: "decimal"});
        const read = (box) => (box.value.trim() === "" ? (optional ? "none" : null) : Number.isFinite(box.valueAsNumber) ? box.valueAsNumber : null);
        const write = (box, value) => {
            const text = value === "none" || value === null ? "" : String(Math.round(1e6 * value) / 1e6);
            if (box.value !== text) box.value = text;
        };
        return new Cell(label, input, read, write, commit);
    }

    function textCell(label, commit) {
        const input = core().el("input", {type: "text", spellcheck: "false", autocomplete: "off", maxlength: 2000});
        return new Cell(label, input, (box) => box.value, (box, value) => { if (box.value !== value) box.value = value; }, commit);
    }

    function options(select, entries) {
        const key = JSON.stringify(entries);
        if (select.dataset.key === key) return;
        const value = select.value;
        select.dataset.key = key;
        select.replaceChildren(...entries.map(([id, words]) => core().el("option", {value: id, text: words})));
        select.value = value;
    }

    function choiceCell(label, commit) {
        const select = core().el("select", {});
        return new Cell(label, select, (box) => box.value, (box, value) => { if (box.value !== value) box.value = value; }, commit);
    }

    // Which sections: all, or some roles.
    class Sections {
        constructor(commit) {
            const {el} = core();
            this.boxes = new Map();
            this.commit = commit;
            this.summary = el("summary", {});
            this.list = el("div", {class: "mv-roles", role: "group", "aria-label": "Sections"});
            this.node = el("details", {class: "mv-cell mv-sections"}, this.summary, this.list);
        }

        draw(chosen, roles, pending) {
            const {el, setText} = core();
            for (const role of roles) {
                if (this.boxes.has(role)) continue;
                const box = el("input", {type: "checkbox", class: "mv-check"});
                box.addEventListener("change", () => this.commit(roles.filter((name) => this.boxes.get(name).checked)));
                this.boxes.set(role, box);
                this.list.append(el("label", {class: "mv-toggle"}, box, el("span", {text: role})));
            }
            if (!pending) for (const [role, box] of this.boxes) box.checked = chosen.includes(role);
            const all = roles.every((role) => chosen.includes(role));
            setText(this.summary, "in " + (all ? "all sections" : chosen.join(", ") || "no section"));
        }
    }

    // ---- rows ----

    class Row {
        constructor(kind, place) {
            this.kind = kind; // route, formula or pin
            this.place = place;
            this.cells = {};
            this.head = core().el("div", {class: "mv-route-head"});
            this.body = core().el("div", {class: "mv-route-cells"});
            this.node = core().el("li", {class: "mv-route"}, this.head, this.body);
            this.on = core().el("input", {type: "checkbox", class: "mv-check", on: {change: () => this.edit({on: this.on.checked})}});
            this.title = core().el("span", {class: "mv-route-title"});
            const {el, button} = core();
            this.copy = button("Copy", () => this.send("copy"), {class: "mv-small"});
            this.remove = button("Delete", () => this.send("delete"), {class: "mv-small mv-stop"});
            this.head.append(el("label", {class: "mv-toggle", title: "A muted one is kept and leads nowhere"}, this.on, this.title), el("span", {class: "mv-gap"}), this.copy, this.remove);
        }

        send(what, fields) {
            core().send({do: this.kind, what, index: this.place, of: this.of, fields: fields || {}});
        }

        edit(fields) {
            this.send("edit", fields);
        }

        add(name, cell) {
            this.cells[name] = cell;
            this.body.append(cell.node);
            return cell;
        }

        pending() {
            return core().pending(this.kind);
        }

        drawHead(data, of, name) {
            this.data = data;
            this.of = of;
            if (!this.pending()) this.on.checked = data.on !== false;
            this.node.classList.toggle("mv-muted", data.on === false);
            core().setText(this.title, name);
            this.on.setAttribute("aria-label", name + ", on");
            this.copy.setAttribute("aria-label", "Copy " + name);
            this.remove.setAttribute("aria-label", "Delete " + name);
        }
    }

    const entriesOf = (choices, keys) => keys.map((key) => {
        const found = core().list(choices.parameters).find((parameter) => parameter.key === key);
        return [key, found ? core().text(found.label) : key === choices.motion ? "All motion" : key];
    });
    const parameterOf = (choices, key) => core().list(choices.parameters).find((parameter) => parameter.key === key);
    const unitOf = (choices, key) => {
        const found = parameterOf(choices, key);
        return found ? core().text(found.unit) : "times all speeds";
    };

    class Route extends Row {
        constructor(place) {
            super("route", place);
            this.add("source", choiceCell("Source", (value) => this.edit({source: value})));
            this.add("shape", choiceCell("Kind", (value) => this.reshape(value)));
            this.add("parameter", choiceCell("Parameter", (value) => this.edit({parameter: value})));
            this.add("rest", numberCell("Rest", (value) => this.edit({rest: value})));
            this.add("hit", numberCell("Hit", (value) => this.edit({hit: value})));
            this.add("attack", numberCell("Attack", (value) => this.edit({attack: value})));
            this.add("release", numberCell("Release", (value) => this.edit({release: value})));
            this.add("unit", choiceCell("Attack and release in", (value) => this.edit({unit: value})));
            this.add("flip", choiceCell("Direction", (value) => this.edit({flip: value})));
            this.add("reach", numberCell("Reach", (value) => this.edit({reach: value === "none" ? null : value}), true));
            this.sections = new Sections((roles) => this.edit({sections: roles}));
            this.body.append(this.sections.node);
            this.unit = core().el("div", {class: "mv-source mv-unit"});
            this.summary = core().el("summary", {});
            this.node.append(core().el("details", {class: "mv-route-more"}, this.summary, this.body, this.unit));
        }

        // What the row says, to be read at a glance.
        told(data) {
            const {list, text} = core();
            const number = (value) => String(Math.round(1000 * value) / 1000);
            const values = data.rest === data.hit ? number(data.rest) : number(data.rest) + " → " + number(data.hit);
            const times = ["attack", "release"].filter((name) => data[name]).map((name) => name + " " + number(data[name]));
            const roles = list(data.sections).map(text);
            const where = roles.length === list(this.choices.roles).length ? "all sections" : roles.join(", ") || "no section";
            return values + (times.length ? " · " + times.join(", ") + " " + text(data.unit) : "") + " · " + where;
        }

        // Another kind leads to other parameters.
        reshape(shape) {
            const leads = core().list((this.choices.leads || {})[shape]);
            const parameter = leads.includes(this.data.parameter) ? this.data.parameter : leads[0];
            const found = parameterOf(this.choices, parameter) || {low: 0, high: 1};
            const inside = (value) => Math.min(found.high, Math.max(found.low, value));
            this.edit({shape, parameter, rest: inside(this.data.rest), hit: inside(this.data.hit)});
        }

        draw(data, of, choices) {
            const {list, text, setText} = core();
            this.choices = choices;
            const words = new Map(list(choices.sources).map(([id, name]) => [id, name]));
            const label = entriesOf(choices, [data.parameter])[0][1];
            this.drawHead(data, of, label + " ← " + (words.get(data.source) || text(data.source)));
            options(this.cells.source.input, list(choices.sources).filter(([id]) => data.shape !== "nod" || list(choices.events).includes(id)));
            options(this.cells.shape.input, list(choices.shapes));
            options(this.cells.parameter.input, entriesOf(choices, list((choices.leads || {})[data.shape])));
            options(this.cells.unit.input, [["seconds", "seconds"], ["beats", "beats"]]);
            options(this.cells.flip.input, [["", "one way"], ["phrase", "there and back by phrase"], ["event", "other way at each event"]]);
            const pending = this.pending();
            for (const [name, cell] of Object.entries(this.cells)) cell.draw(name === "reach" && data.reach === null ? "none" : data[name], pending);
            this.sections.draw(list(data.sections).map(text), list(choices.roles), pending);
            setText(this.unit, unitOf(choices, data.parameter));
            setText(this.summary, this.told(data));
        }
    }

    class Formula extends Row {
        constructor(place) {
            super("formula", place);
            this.add("parameter", choiceCell("Parameter", (value) => this.edit({parameter: value})));
            this.add("formula", textCell("Formula", (value) => this.edit({formula: value}))).node.classList.add("mv-wide");
            this.sections = new Sections((roles) => this.edit({sections: roles}));
            this.body.append(this.sections.node);
            this.unit = core().el("div", {class: "mv-source mv-unit"});
            this.node.append(this.unit);
        }

        draw(data, of, choices) {
            const {list, text, setText} = core();
            const keys = list(choices.parameters).map((parameter) => parameter.key);
            this.drawHead(data, of, entriesOf(choices, [data.parameter])[0][1]);
            options(this.cells.parameter.input, entriesOf(choices, keys));
            for (const [name, cell] of Object.entries(this.cells)) cell.draw(text(data[name]), this.pending());
            this.sections.draw(list(data.sections).map(text), list(choices.roles), this.pending());
            setText(this.unit, unitOf(choices, data.parameter));
        }
    }

    class Pin extends Row {
        constructor(place) {
            super("pin", place);
            this.add("time", numberCell("Time (s of the song)", (value) => this.edit({time: value})));
            this.add("parameter", choiceCell("Parameter", (value) => this.edit({parameter: value})));
            this.add("value", numberCell("Value", (value) => this.edit({value})));
            this.add("beats", numberCell("There and back in (beats)", (value) => this.edit({beats: value})));
            this.unit = core().el("div", {class: "mv-source mv-unit"});
            this.node.append(this.unit);
        }

        draw(data, of, choices) {
            const {list, clock, setText} = core();
            const keys = list(choices.parameters).map((parameter) => parameter.key);
            this.drawHead(data, of, entriesOf(choices, [data.parameter])[0][1] + " at " + clock(data.time, 2));
            options(this.cells.parameter.input, entriesOf(choices, keys));
            for (const [name, cell] of Object.entries(this.cells)) cell.draw(data[name], this.pending());
            setText(this.unit, unitOf(choices, data.parameter));
        }
    }

    // A list of rows of one kind; its rows keep their elements, so that the focus stays.
    class List {
        constructor(kind, label) {
            this.Kind = kind;
            this.rows = [];
            this.node = core().el("ul", {class: "mv-route-list", "aria-label": label});
        }

        draw(data, choices) {
            while (this.rows.length > data.length) this.rows.pop().node.remove();
            data.forEach((entry, i) => {
                if (!this.rows[i]) {
                    this.rows.push(new this.Kind(i));
                    this.node.append(this.rows[i].node);
                }
                this.rows[i].draw(entry, data.length, choices);
            });
        }
    }

    // The many routes, by parameter, folded.
    class Routes {
        constructor() {
            this.rows = [];
            this.groups = new Map();
            this.node = core().el("div", {class: "mv-route-groups"});
        }

        draw(data, choices) {
            const {el, button, setText, send} = core();
            while (this.rows.length > data.length) this.rows.pop().node.remove();
            const counts = new Map();
            data.forEach((entry, i) => {
                const row = this.rows[i] || (this.rows[i] = new Route(i));
                row.draw(entry, data.length, choices);
                const key = entry.parameter;
                if (!this.groups.has(key)) {
                    const summary = el("summary", {});
                    const list = el("ul", {class: "mv-route-list"});
                    const more = button("Add a row", () => send({do: "route", what: "add", fields: {...this.last.get(key), on: true}}), {class: "mv-small"});
                    const node = el("details", {class: "mv-route-group"}, summary, list, more);
                    this.groups.set(key, {summary, list, node});
                    this.node.append(node);
                }
                const group = this.groups.get(key);
                const at = counts.get(key) || 0;
                counts.set(key, at + 1);
                if (group.list.children[at] !== row.node) group.list.insertBefore(row.node, group.list.children[at] || null);
            });
            this.last = new Map(data.map((entry) => [entry.parameter, entry]));
            for (const [key, group] of this.groups) {
                const n = counts.get(key) || 0;
                if (!n) {
                    group.node.remove();
                    this.groups.delete(key);
                    continue;
                }
                setText(group.summary, entriesOf(choices, [key])[0][1] + ": " + n + (n === 1 ? " row" : " rows"));
            }
        }
    }

    // ---- presets ----

    function download(name, content) {
        const address = window.URL.createObjectURL(new Blob([content], {type: "application/json"}));
        const link = core().el("a", {href: address, download: name});
        document.body.append(link);
        link.click();
        link.remove();
        window.setTimeout(() => window.URL.revokeObjectURL(address), 10000);
    }

    const fileName = (name) => (name.toLowerCase().replace(/[^a-z0-9]+/g, "-").replace(/^-+|-+$/g, "").slice(0, 60) || "preset") + ".json";

    // A button that asks once more where something would be lost: the second press within some seconds counts.
    const SURE = 6000; // ms

    function twice(label, sure, asks, action, more) {
        let timer = 0;
        const calm = () => {
            window.clearTimeout(timer);
            timer = 0;
            node.textContent = label;
        };
        const node = core().button(label, () => {
            const again = timer !== 0;
            calm();
            if (again || !asks()) return action(again);
            node.textContent = sure;
            timer = window.setTimeout(calm, SURE);
        }, more);
        return node;
    }

    class Presets {
        constructor() {
            const {el, button, send} = core();
            this.from = el("span", {class: "mv-base-name"});
            this.reset = button("Back to the preset's rows", () => send({do: "routes_reset"}));
            this.name = el("input", {type: "text", class: "mv-input", maxlength: 60, autocomplete: "off", placeholder: "a name of your own", "aria-label": "Name of your preset"});
            this.save = twice("Keep as a preset", "Replace the one of this name?",
                () => core().list(this.data.presets).includes(this.name.value.trim()),
                (replace) => send({do: "preset_save", name: this.name.value, ...(replace ? {replace} : {})}));
            this.down = button("Download", () => download(fileName(core().text(this.data.name)), core().text(this.data.document)));
            this.file = el("input", {type: "file", class: "mv-file-input", id: "mv_preset_file", accept: ".json", on: {change: () => this.give()}});
            this.kept = el("select", {class: "mv-input", "aria-label": "Presets"});
            this.use = button("Use it", () => send({do: "preset_use", name: this.kept.value}));
            this.forget = twice("Delete it", "Delete for good?", () => true,
                () => send({do: "preset_forget", name: this.kept.value, confirm: this.kept.value}), {class: "mv-stop"});
            this.kept.addEventListener("change", () => this.mark());
            this.said = el("div", {class: "mv-source", role: "status"});
            this.node = el("div", {class: "mv-presets"},
                el("div", {class: "mv-base-row"}, el("span", {}, el("span", {text: "Rows of: "}), this.from), this.reset),
                el("div", {class: "mv-base-row"}, this.kept, this.use, this.forget),
                el("div", {class: "mv-base-row"}, this.name, this.save, this.down),
                el("div", {class: "mv-base-row"}, el("label", {class: "mv-file", for: "mv_preset_file"}, el("span", {text: "Preset file"}), this.file)), this.said);
        }

        mark() {
            this.forget.disabled = !core().list(this.data.presets).includes(this.kept.value);
        }

        draw(data, choices) {
            const {list, text, setText} = core();
            this.data = data;
            setText(this.from, text(data.name) + (data.own ? " (changed here)" : ""));
            this.reset.hidden = !data.own;
            options(this.kept, [...list(data.presets).map((name) => [name, name]), ...list(choices.built).map(([id]) => [id, id])]);
            if (this.shown !== text(data.name)) this.kept.value = this.shown = text(data.name); // the list begins with the one in use
            if (!this.kept.value && this.kept.options.length) this.kept.selectedIndex = 0;
            this.mark();
        }

        give() {
            const file = this.file.files[0];
            const most = core().number(this.data.most, 500000);
            if (!file) return;
            if (file.size > most) core().setText(this.said, file.name + " is too large to be a preset.");
            else {
                core().setText(this.said, "");
                file.text().then((text) => core().send({do: "preset_use", text}), (error) => core().setText(this.said, error.message));
            }
            this.file.value = "";
        }
    }

    // ---- which beats are declared ----

    class Hits {
        constructor() {
            this.cells = new Map();
            this.node = core().el("div", {class: "mv-route-cells"});
            this.cadence = numberCell("Cadence of the rows", (value) => core().send({do: "hits", cadence: value}));
            this.node.append(this.cadence.node);
        }

        draw(data, choices) {
            const {list, text, send, pending} = core();
            for (const role of list(choices.roles)) {
                if (!this.cells.has(role)) {
                    const cell = choiceCell("Hits in " + role, (value) => send({do: "hits", role, rule: value}));
                    this.cells.set(role, cell);
                    this.node.append(cell.node);
                }
                options(this.cells.get(role).input, list(choices.rules).map((rule) => [rule, rule]));
                this.cells.get(role).draw(text((data.hits || {})[role]), pending("hits"));
            }
            this.cadence.draw(data.cadence, pending("hits"));
        }
    }

    // ---- the part ----

    parts.routes = {
        build() {
            const {el, button, send} = core();
            const folded = (words, ...inside) => el("details", {class: "mv-fold"}, el("summary", {text: words}), ...inside);
            this.presets = new Presets();
            this.routes = new Routes();
            this.hits = new Hits();
            this.formulas = new List(Formula, "Formulas");
            this.pins = new List(Pin, "Pins");
            this.notes = el("ul", {class: "mv-base-notes", "aria-label": "Notes on motion"});
            this.variables = el("dl", {class: "mv-variables"});
            this.counted = {};
            const addFormula = button("Add a formula", () => send({do: "formula", what: "add", fields: {parameter: "zoom", formula: "1.05 + 0.1 * (beat_phase < 0.25)"}}));
            const addPin = button("Add a pin at the cursor", () => {
                const time = parts.player ? Math.round(100 * parts.player.time()) / 100 : 0;
                send({do: "pin", what: "add", fields: {time, parameter: "strength_schedule", value: 0.4}});
            });
            this.routesFold = folded("Routes", this.hits.node, this.routes.node);
            this.formulasFold = folded("Formulas", this.formulas.node, addFormula, folded("What a formula may name", this.variables));
            this.pinsFold = folded("Pins", this.pins.node, addPin);
            this.compareFold = folded("Compare two presets on the same 8 bars", parts.compare.build());
            this.box = el("section", {class: "mv mv-card mv-routes", "aria-label": "Advanced motion"},
                el("div", {class: "mv-panel-head", text: "Advanced motion"}), this.presets.node, this.notes,
                this.routesFold, this.formulasFold, this.pinsFold, this.compareFold);
        },

        draw(state) {
            const {root, text, list, setText} = core();
            const place = root("routes");
            const data = state.view && state.view.routes;
            const heard = list(state.view && state.view.sections).length;
            if (!data || !heard) {
                this.box = null;
                return void place.replaceChildren();
            }
            if (!this.box || !place.contains(this.box)) {
                this.build();
                place.replaceChildren(this.box);
            }
            const choices = data.choices || {};
            const counted = (fold, words, n) => setText(fold.firstChild, n ? words + " (" + n + ")" : words);
            this.presets.draw(data, choices);
            counted(this.routesFold, "Routes: what answers to what", list(data.rows).length);
            counted(this.formulasFold, "Formulas over any curve", list(data.formulas).length);
            counted(this.pinsFold, "Pins: a value at a moment", list(data.pins).length);
            this.hits.draw(data, choices);
            this.routes.draw(list(data.rows), choices);
            this.formulas.draw(list(data.formulas), choices);
            this.pins.draw(list(data.pins), choices);
            this.drawVariables(list(choices.variables));
            parts.base.lines(this.notes, list(data.notes));
            parts.compare.draw(data, list(state.view.sections), text(state.view.project));
        },

        drawVariables(variables) {
            const {el, text} = core();
            if (this.variables.childElementCount) return;
            this.variables.append(...variables.flatMap(([name, words]) => [el("dt", {}, el("code", {text: text(name)})), el("dd", {text: text(words)})]));
        },
    };
})((window.musicVisualizer = window.musicVisualizer || {}));
