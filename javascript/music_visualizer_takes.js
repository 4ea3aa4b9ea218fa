// Takes: paint a section again, compare, bring back, delete; and how much disk it takes.
(function (mv) {
    "use strict";
    const parts = (mv.parts = mv.parts || {});
    const core = () => mv.core;

    // A button that asks once more before it deletes: the second press within some seconds counts.
    const SURE = 6000; // ms
    const LONG = 8; // sections from which on their list scrolls

    function deleting(label, sure, action) {
        const {button} = core();
        let timer = 0;
        const node = button(label, () => {
            if (timer) {
                window.clearTimeout(timer);
                timer = 0;
                node.textContent = label;
                action();
                return;
            }
            node.textContent = sure;
            timer = window.setTimeout(() => {
                timer = 0;
                node.textContent = label;
            }, SURE);
        }, {class: "mv-stop"});
        return node;
    }

    // One section of the video, kept and changed in place: a button in it keeps its focus while the page is drawn again.
    class Section {
        constructor(again) {
            const {el, button} = core();
            this.data = {};
            this.name = el("span", {class: "mv-take-name"});
            this.span = el("span", {class: "mv-source"});
            this.changed = el("span", {class: "mv-mark", text: "changed since", title: "Its prompt or its motion is not what it was painted with."});
            this.only = button("Paint only this again", () => again({do: "rerender_section", section: this.data.section}));
            this.rest = button("Paint from here on again", () => again({do: "rerender_from", section: this.data.section}));
            this.node = el("li", {class: "mv-card mv-take-section"},
                el("div", {class: "mv-take-head"}, this.name, this.span, this.changed),
                el("div", {class: "mv-take-buttons"}, this.only, this.rest));
        }

        draw(data, busy) {
            const {setText, text, clock, number} = core();
            this.data = data;
            const role = text(data.role) === text(data.label) ? "" : " (" + text(data.role) + ")";
            const name = number(data.section, 0) + 1 + ". " + text(data.label) + role;
            const span = clock(data.start) + "–" + clock(data.end);
            setText(this.name, name);
            setText(this.span, span + " · " + number(data.frames, 0) + " frames" + (data.painted ? "" : " · not painted yet"));
            this.changed.hidden = !data.changed;
            this.only.disabled = busy || !data.painted;
            this.rest.disabled = busy;
            this.only.setAttribute("aria-label", "Paint only " + name + " again");
            this.rest.setAttribute("aria-label", "Paint from " + name + " on again");
        }
    }

    class Take {
        constructor(take) {
            const {el, button, send} = core();
            this.take = take;
            this.picture = el("div", {class: "mv-take-picture"});
            this.name = el("span", {class: "mv-take-name"});
            this.why = el("div", {class: "mv-source"});
            this.prompt = el("div", {class: "mv-take-prompt"});
            this.facts = el("div", {class: "mv-source"});
            this.bring = button("Restore", () => send({do: "restore_take", take}), {"aria-label": "Restore take " + take});
            this.look = button("Compare", () => send({do: "compare_take", take}), {"aria-label": "Compare take " + take + " with the video"});
            this.drop = deleting("Delete", "Delete for good?", () => send({do: "delete_take", take, confirm: "take " + take}));
            this.drop.setAttribute("aria-label", "Delete take " + take);
            this.both = el("figure", {class: "mv-take-both"});
            this.node = el("li", {class: "mv-card mv-take"}, this.picture,
                el("div", {class: "mv-take-text"}, this.name, this.why, this.prompt, this.facts,
                    el("div", {class: "mv-take-buttons"}, this.bring, this.look, this.drop)), this.both);
        }

        draw(data, busy) {
            const {el, setText, text, clock, safeUrl} = core();
            const when = new Date(1000 * Number(data.date));
            const day = Number.isNaN(when.getTime()) ? "" : when.toLocaleString(undefined, {dateStyle: "medium", timeStyle: "short"});
            setText(this.name, "Take " + this.take + " · " + clock(data.from) + "–" + clock(data.to));
            setText(this.why, text(data.why) + (data.whole ? "" : " (not painted to its end)"));
            setText(this.prompt, text(data.prompt));
            setText(this.facts, [day, text(data.size), text(data.painter), text(data.model)].filter(Boolean).join(" · "));
            for (const node of [this.bring, this.look]) node.disabled = busy || !data.whole;
            this.drop.disabled = busy;
            const address = safeUrl(data.picture_url);
            if (this.shown !== address) {
                this.shown = address;
                this.picture.replaceChildren(address ? el("img", {src: address, alt: "", loading: "lazy", decoding: "async"}) : el("span", {"aria-hidden": "true", text: "♪"}));
            }
            this.compared(safeUrl(data.comparison_url));
        }

        compared(address) {
            const {el} = core();
            this.both.hidden = !address;
            if (this.film === address) return;
            this.film = address;
            if (!address) return void this.both.replaceChildren();
            const label = "The video now on the left, take " + this.take + " on the right";
            this.both.replaceChildren(
                el("video", {controls: true, playsinline: true, preload: "metadata", src: address, "aria-label": label}),
                el("figcaption", {class: "mv-source", text: label + "."}));
        }
    }

    // Keeps one node for each entry, in order; only what is out of place moves.
    function arrange(box, kept, entries, key, make, draw) {
        const seen = new Set();
        entries.forEach((entry, i) => {
            const name = entry[key];
            seen.add(name);
            if (!kept.has(name)) kept.set(name, make(entry));
            const item = kept.get(name);
            draw(item, entry);
            if (box.children[i] !== item.node) box.insertBefore(item.node, box.children[i] || null);
        });
        for (const [name, item] of kept) {
            if (seen.has(name)) continue;
            item.node.remove();
            kept.delete(name);
        }
    }

    parts.takes = {
        sections: new Map(),
        items: new Map(),

        draw(state) {
            const {root, list, text, jobs, isActive, setText} = core();
            const place = root("takes");
            if (!place) return;
            const view = state.view || {};
            const data = view.takes || {};
            const sections = list(data.sections);
            const takes = list(data.takes);
            if (!text(view.project)) {
                this.box = null;
                return void place.replaceChildren();
            }
            if (!this.box || !place.contains(this.box) || this.project !== text(view.project)) this.build(place, view);
            const busy = jobs().some((job) => isActive(job.state) && job.project === view.project && ["visualize", "rerender", "restore"].includes(job.kind));
            this.data = data;
            this.frames.max = String(data.max_fade || 240);
            this.head.hidden = this.list.hidden = !sections.length;
            this.takesHead.hidden = this.kept.hidden = !takes.length;
            this.list.classList.toggle("mv-takes-long", sections.length > LONG);
            arrange(this.list, this.sections, sections, "section", () => new Section((action) => this.again(action)), (item, entry) => item.draw(entry, busy));
            arrange(this.kept, this.items, takes, "take", (entry) => new Take(entry.take), (item, entry) => item.draw(entry, busy));
            const sizes = data.sizes || {};
            setText(this.sizes, [
                text(data.model) ? "Painted with " + text(data.model) : "",
                "This project: " + text(sizes.project),
                text(sizes.takes) ? "takes " + text(sizes.takes) : "",
                text(sizes.frames) ? "frames " + text(sizes.frames) : "",
                text(sizes.cap) ? "all visuals " + text(sizes.all) + " of " + text(sizes.cap) : "",
                text(sizes.free) + " free",
            ].filter(Boolean).join(" · "));
            this.noFrames.hidden = !data.finished || !text(sizes.frames);
            this.noFrames.disabled = busy;
            this.gone.disabled = busy || this.word.value !== text(data.name);
        },

        // A job that begins or ends changes what can be pressed.
        status(state) {
            this.draw(state);
        },

        build(place, view) {
            const {el, text, send} = core();
            this.project = text(view.project);
            this.sections.clear();
            this.items.clear();
            this.list = el("ol", {class: "mv-takes", "aria-label": "Sections of the video"});
            this.kept = el("ul", {class: "mv-takes", "aria-label": "Takes"});
            this.hard = el("input", {type: "radio", name: "mv-join", value: "hard", checked: true, class: "mv-check"});
            this.fade = el("input", {type: "radio", name: "mv-join", value: "fade", class: "mv-check"});
            this.frames = el("input", {type: "number", min: 1, max: 240, step: 1, value: 12, class: "mv-input mv-number", "aria-label": "Frames of the cross-fade"});
            this.frames.addEventListener("input", () => { this.fade.checked = true; });
            this.head = el("div", {},
                el("h3", {text: "Paint a section again"}),
                el("div", {class: "mv-source", text: "What is there becomes a take and can be brought back. The prompts and the motion that stand now count; frames and beats stay where they are."}),
                el("fieldset", {class: "mv-join"}, el("legend", {text: "Borders of a section that is painted alone"}),
                    el("label", {class: "mv-toggle"}, this.hard, el("span", {text: "hard"})),
                    el("label", {class: "mv-toggle"}, this.fade, el("span", {text: "cross-fade over"})),
                    el("span", {class: "mv-together"}, this.frames, el("span", {text: " frames"}))));
            this.takesHead = el("h3", {text: "Takes"});
            this.sizes = el("div", {class: "mv-source"});
            this.noFrames = deleting("Keep the video, delete the frames", "Delete the frames for good?", () => send({do: "delete_frames", confirm: "frames"}));
            this.word = el("input", {type: "text", class: "mv-input mv-word", "aria-label": "The project's name, to delete it", placeholder: this.project, autocomplete: "off", spellcheck: "false"});
            this.word.addEventListener("input", () => { this.gone.disabled = this.word.value !== text((this.data || {}).name); });
            this.gone = deleting("Delete the project", "Delete all of it for good?", () => send({do: "delete_project", confirm: this.word.value}));
            this.gone.disabled = true;
            const drop = el("details", {class: "mv-delete"}, el("summary", {text: "Delete this project"}),
                el("div", {class: "mv-source", text: "Its video, frames and takes go for good. Type its name:"}),
                el("code", {text: this.project}), el("div", {class: "mv-take-buttons"}, this.word, this.gone));
            this.box = el("section", {class: "mv mv-takes-part", "aria-label": "Takes"},
                this.head, this.list, el("div", {id: core().PREFIX + "progress_takes_view"}), this.takesHead, this.kept, this.sizes, el("div", {class: "mv-take-buttons"}, this.noFrames), drop);
            place.replaceChildren(this.box);
        },

        again(action) {
            const {send} = core();
            if (action.do !== "rerender_section" || !this.fade.checked) return void send(action);
            const frames = Math.round(Number(this.frames.value));
            send({...action, join: "fade", frames: Number.isFinite(frames) ? frames : 12});
        },
    };
})((window.musicVisualizer = window.musicVisualizer || {}));
