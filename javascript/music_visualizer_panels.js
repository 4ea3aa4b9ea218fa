// The drawn parts without a timeline: notices, song card, progress, cost, preview, video, earlier visuals.
(function (mv) {
    "use strict";
    const parts = (mv.parts = mv.parts || {});
    const core = () => mv.core; // the core's file may come later

    const JOBS = {
        produce: "Producing prompts",
        preview: "Preview",
        "warm-up": "Measuring the time of one picture",
        visualize: "Visualizing",
        rerender: "Painting again",
        restore: "Restoring a take",
        compare: "Comparing",
        finish: "Finishing",
        pack: "Packing pictures",
        presets: "Comparing two presets",
        stills: "Painting stills",
        test: "Testing four bars",
    };
    const STAGES = {
        track: "reading the song",
        search: "looking for the recording",
        download: "getting the audio",
        analysis: "listening",
        prompts: "finding prompts",
        schedule: "choreography",
        "warm-up": "painting one picture",
        render: "painting",
        mux: "joining pictures and sound",
        finish: "finishing",
        pack: "packing",
        first: "painting the first",
        second: "painting the second",
    };
    const STATES = {waiting: "waiting for its turn", done: "done", failed: "failed", interrupted: "interrupted"};

    // ---- notices ----

    function notice(kind, said, fix) {
        const {el} = core();
        const loud = kind === "error";
        return el("div", {class: "mv-notice mv-" + kind, role: loud ? "alert" : "status"},
            el("span", {class: "mv-notice-mark", "aria-hidden": "true", text: kind === "info" ? "i" : "!"}),
            el("div", {class: "mv-notice-text"}, el("div", {text: said}), fix ? el("div", {class: "mv-fix", text: fix}) : null));
    }

    // Lines and {text, kind, fix} alike, each text once.
    function noticesOf(state) {
        const {list, text} = core();
        const view = state.view || {};
        const found = [];
        if (state.offline) found.push({kind: "error", text: "The server does not answer.", fix: "Trying again; a running job goes on without the page."});
        const sources = [[state.page.notices, "warning"], [view.notices, "warning"], [state.status && state.status.notices, "warning"],
            [state.said, "warning"], [view.warnings, "info"], [(view.song || {}).warnings, "info"]];
        if (text(view.error)) found.push({kind: "error", text: text(view.error), fix: text(view.fix)});
        for (const [lines, kind] of sources) {
            for (const line of list(lines)) {
                const entry = typeof line === "string" ? {text: line, kind, fix: ""}
                    : {text: text(line && line.text), kind: text(line && line.kind) || kind, fix: text(line && line.fix)};
                if (entry.text && !found.some((other) => other.text === entry.text)) found.push(entry);
            }
        }
        return found;
    }

    parts.notices = {
        drawn: null,
        draw(state) {
            const found = noticesOf(state);
            const key = JSON.stringify(found);
            if (this.drawn === key && core().root("notices").childElementCount === (found.length ? 1 : 0)) return;
            this.drawn = key;
            const kindOf = (kind) => (["error", "warning", "info"].includes(kind) ? kind : "info");
            const lines = found.map((entry) => notice(kindOf(entry.kind), entry.text, entry.fix));
            core().put("notices", found.length ? core().el("div", {class: "mv mv-notices"}, ...lines) : null);
        },
    };

    // ---- what was refused ----

    // The line of a part may be far from the button that was pressed: said once more at the edge of the window, until the
    // next answer or a click. For the eye alone: the line itself is an alert.
    parts.echo = {
        known: [], // what stood there when the request left
        by: "", // what was refused last; an old line comes again only when the same is refused again

        lines() {
            const page = document.getElementById("music_visualizer");
            return page ? [...page.querySelectorAll(".music-visualizer-error")].filter((node) => node.textContent.trim()) : [];
        },

        before() {
            this.known = this.lines().map((node) => node.textContent);
        },

        look(action) {
            const {el} = core();
            if (this.node) this.node.remove();
            this.node = null;
            const line = this.lines().find((node) => !this.known.includes(node.textContent) || (action === this.by && node.textContent === this.last));
            if (!line) return;
            this.by = action;
            this.last = line.textContent;
            if (seen(line)) return;
            this.node = el("div", {class: "mv mv-echo", "aria-hidden": "true", text: line.textContent, on: {click: () => this.node.remove()}});
            document.getElementById("music_visualizer").append(this.node);
        },
    };

    function seen(node) {
        const box = node.getBoundingClientRect();
        return box.bottom > 0 && box.top < window.innerHeight && box.height > 0;
    }

    // ---- the song's card ----

    function fact(name, value, source, more) {
        const {el} = core();
        if (!value) return null;
        return el("div", {class: "mv-fact"}, el("dt", {text: name}),
            el("dd", {}, el("span", {class: "mv-fact-value", text: value}), more || null, source ? el("span", {class: "mv-source", text: source}) : null));
    }

    function cover(url, name) {
        const {el, safeUrl} = core();
        const address = safeUrl(url);
        const empty = el("div", {class: "mv-cover mv-cover-none", role: "img", "aria-label": "no cover"}, el("span", {"aria-hidden": "true", text: "♪"}));
        if (!address) return empty;
        const image = el("img", {class: "mv-cover", src: address, alt: name ? "Cover of " + name : "Cover", decoding: "async"});
        image.addEventListener("error", () => image.replaceWith(empty));
        return image;
    }

    parts.card = {
        draw(state) {
            const {el, put, text, number, clock} = core();
            const view = state.view || {};
            const song = view.song;
            if (!song) return void put("card", empty("No song yet", "Give a song above and press “Produce prompts”."));
            const sources = song.sources || {};
            const artists = Array.isArray(song.artists) ? song.artists.map(text).join(", ") : text(song.artists);
            const tempo = number(song.tempo, 0) ? (Math.round(song.tempo * 10) / 10).toFixed(1).replace(/\.0$/, "") + " BPM"
                : Array.isArray(view.sections) && view.sections.length ? "no beat found" : "";
            const facts = [
                ["Length", number(song.duration, 0) ? clock(song.duration) : "", text(sources.duration)],
                ["Tempo", tempo, text(sources.tempo), parts.ear && parts.ear.readings(state)],
                ["Key", text(song.key), text(sources.key)],
                ["Album", text(song.album), ""],
                ["Date", text(song.date), ""],
            ];
            const title = text(song.title) || "Untitled";
            const origin = ["title", "artists", "album", "date", "isrc", "cover"].map((name) => [name, sources[name]]).filter((pair) => text(pair[1]));
            put("card", el("article", {class: "mv mv-card mv-song", "aria-label": "The song"},
                cover(song.cover_url, title),
                el("div", {class: "mv-song-text"},
                    el("div", {class: "mv-title", text: title}),
                    artists ? el("div", {class: "mv-artists", text: artists}) : null,
                    el("dl", {class: "mv-facts"}, ...facts.map((row) => fact(...row))),
                    origin.length ? el("div", {class: "mv-source", text: origin.map((pair) => pair[0] + ": " + text(pair[1])).join(" · ")}) : null,
                    text(song.cover_why) ? el("div", {class: "mv-source", text: "this cover: " + text(song.cover_why)}) : null),
                parts.link ? parts.link.node(song) : null));
        },
    };

    function empty(head, line) {
        const {el} = core();
        return el("div", {class: "mv mv-card mv-empty"}, el("div", {class: "mv-empty-head", text: head}), el("div", {text: line}));
    }

    // ---- progress ----

    // One job's card, kept and changed in place: a button in it keeps its focus while the numbers move.
    class JobCard {
        constructor(job) {
            const {el, button, send} = core();
            this.hosted = false;
            this.title = el("span", {class: "mv-job-title"});
            this.where = el("span", {class: "mv-job-where"});
            this.left = el("span", {class: "mv-job-left"});
            this.stop = button("Interrupt", () => {
                this.stop.disabled = true;
                this.stop.textContent = "Interrupting…";
                send({do: "interrupt", job: job.id});
            }, {class: "mv-stop"});
            this.fill = el("div", {class: "mv-bar-fill"});
            this.bar = el("div", {class: "mv-bar", role: "progressbar", "aria-valuemin": 0, "aria-valuemax": 100}, this.fill);
            this.line = el("div", {class: "mv-job-line"});
            this.error = el("div", {class: "mv-job-error"});
            this.count = el("summary", {});
            this.lines = el("ul", {class: "mv-said"});
            this.said = el("details", {class: "mv-job-said"}, this.count, this.lines);
            this.node = el("section", {class: "mv-card mv-job"},
                el("div", {class: "mv-job-head"}, el("div", {class: "mv-job-name"}, this.title, this.where), this.left, this.stop),
                this.bar, this.line, this.error, this.said);
        }

        draw(job) {
            const {setText, text, number, isActive, wait} = core();
            const active = isActive(job.state);
            const percent = Math.round(1000 * Math.min(1, Math.max(0, number(job.fraction, 0)))) / 10;
            const stage = stepOf(job);
            const name = JOBS[job.kind] || text(job.kind);
            this.node.className = "mv-card mv-job mv-job-" + (Object.hasOwn(STATES, job.state) ? job.state : "running") + (active ? " mv-job-active" : "");
            if (this.active && !active) this.said.open = false;
            this.active = active;
            this.node.setAttribute("aria-label", name);
            setText(this.title, name);
            setText(this.where, stage);
            setText(this.left, active ? leftOf(job) : took(job));
            this.fill.style.width = percent + "%";
            this.bar.hidden = !active;
            this.bar.setAttribute("aria-label", name + ", " + stage);
            this.bar.setAttribute("aria-valuenow", String(Math.round(percent)));
            this.stop.hidden = !active;
            setText(this.line, active ? text(job.text) : "");
            this.line.hidden = !this.line.textContent;
            this.drawError(job);
            this.drawSaid(job);
            if (!active) return;
            this.host(job);
            if (number(job.left, null) !== null) this.bar.setAttribute("aria-valuetext", Math.round(percent) + " %, " + wait(job.left) + " left");
        }

        drawError(job) {
            const {el, text} = core();
            const key = text(job.error) + "\n" + text(job.fix);
            this.error.hidden = !text(job.error);
            if (this.errorKey === key) return;
            this.errorKey = key;
            this.error.replaceChildren(el("div", {role: "alert", text: text(job.error)}), el("div", {class: "mv-fix", text: text(job.fix)}));
        }

        drawSaid(job) {
            const {el, list, text, setText} = core();
            const said = list(job.said).map(text).filter(Boolean);
            this.said.hidden = !said.length;
            if (this.lines.childElementCount === said.length && this.last === said[said.length - 1]) return;
            this.last = said[said.length - 1];
            if (!this.lines.childElementCount && said.length <= 4 && this.active) this.said.open = true;
            setText(this.count, said.length === 1 ? "1 note" : said.length + " notes");
            this.lines.replaceChildren(...said.map((line) => el("li", {text: line})));
        }

        // The host's own bar and live picture, once per job, when the job has reached the GPU.
        host(job) {
            const {el} = core();
            const paints = ["visualize", "rerender", "warm-up"].includes(job.kind) && ["render", "warm-up"].includes(job.stage);
            if (this.hosted || job.state !== "running" || !paints || typeof window.requestProgress !== "function") return;
            this.hosted = true;
            const given = document.getElementById(core().PREFIX + "gallery_container");
            const gallery = given || el("div", {class: "mv-live-picture"});
            const anchor = given ? given : gallery;
            const frame = given ? null : el("div", {class: "mv-live"}, gallery);
            if (frame) this.node.insertBefore(frame, this.line);
            gallery.classList.add("mv-live-on");
            const end = () => {
                gallery.classList.remove("mv-live-on");
                if (frame) frame.remove();
            };
            try {
                window.requestProgress(core().text(job.task) || "task(" + job.id + ")", anchor, gallery, end, null, 300);
            } catch (error) {
                console.error("musicVisualizer: the host's progress bar failed:", error);
                end();
            }
        }
    }

    function leftOf(job) {
        const {number, wait} = core();
        const percent = Math.round(100 * Math.min(1, Math.max(0, number(job.fraction, 0)))) + " %";
        const left = number(job.left, null);
        if (job.state === "waiting") return "";
        return left === null || left < 1 ? percent : percent + " · " + wait(left) + " left";
    }

    function took(job) {
        const {number, wait} = core();
        const started = number(job.started, 0);
        const finished = number(job.finished, 0);
        return started && finished > started && job.state === "done" ? "in " + wait(finished - started) : "";
    }

    // Where the person looks who pressed the button: below it.
    const PLACES = {
        produce: "progress_produce", preview: "progress_preview", presets: "progress_presets", stills: "progress_stills",
        test: "progress_test", finish: "progress_finish", pack: "progress_finish", rerender: "progress_takes", restore: "progress_takes", compare: "progress_takes",
    };

    parts.progress = {
        cards: new Map(),
        boxes: {},
        draw() {
            const {el, jobs, text} = core();
            if (!this.told) this.told = el("div", {class: "mv-told", "aria-live": "polite"});
            const box = this.box("progress");
            if (this.told.parentNode !== box) box.prepend(this.told);
            const shown = current(jobs().filter((entry) => text(entry.id)));
            this.tell(shown);
            const nodes = shown.map((job) => {
                if (!this.cards.has(job.id)) this.cards.set(job.id, new JobCard(job));
                const card = this.cards.get(job.id);
                card.draw(job);
                return card.node;
            });
            const seen = new Set(shown.map((job) => job.id));
            for (const [id, card] of this.cards) {
                if (seen.has(id)) continue;
                card.node.remove();
                this.cards.delete(id);
            }
            for (const name of new Set(["progress", ...Object.values(PLACES)])) {
                this.arrange(this.box(name), nodes.filter((_, i) => this.placeOf(shown[i]) === this.box(name)));
            }
        },

        placeOf(job) {
            return this.box(PLACES[job.kind] || "progress");
        },

        // Only what is out of place moves: a moved node loses the focus.
        arrange(box, nodes) {
            const first = this.told.parentNode === box ? 1 : 0;
            nodes.forEach((node, i) => {
                if (box.children[i + first] !== node) box.insertBefore(node, box.children[i + first] || null);
            });
        },

        // The list of cards in a place; gradio may have built the place anew, and an older page has only one.
        box(name) {
            const {el, root} = core();
            const place = root(name) || root("progress");
            const key = place === root("progress") ? "progress" : name;
            if (!this.boxes[key] || !place.contains(this.boxes[key])) {
                this.boxes[key] = el("div", {class: "mv mv-jobs"});
                place.replaceChildren(this.boxes[key]);
            }
            return this.boxes[key];
        },

        // For those who hear the page: each step of a job once, not every number.
        tell(all) {
            const {text, setText} = core();
            const steps = all.map((job) => (JOBS[job.kind] || text(job.kind)) + ": " + stepOf(job));
            setText(this.told, steps.join("; "));
        },
    };

    // What is under way first; a job that is over gives way to a later one of its kind.
    function current(all) {
        const {isActive} = core();
        const active = all.filter((job) => isActive(job.state));
        const over = all.filter((job) => !isActive(job.state) && !active.some((other) => other.kind === job.kind));
        return [...active.filter((job) => job.state === "running"), ...active.filter((job) => job.state === "waiting"), ...over];
    }

    function stepOf(job) {
        const {text, number} = core();
        const ahead = number(job.ahead, 0);
        if (job.state === "waiting" && ahead > 0) return "waiting for its turn, " + ahead + " before it";
        return job.state === "running" ? STAGES[job.stage] || text(job.stage) : STATES[job.state] || text(job.state);
    }

    // ---- cost ----

    parts.cost = {
        draw(state) {
            const {el, put, list, text} = core();
            const cost = (state.view && state.view.cost) || state.page.cost;
            const lines = cost ? list(cost.lines).map(text).filter(Boolean) : [];
            put("cost", lines.length ? el("ul", {class: "mv mv-card mv-cost", "aria-label": "What it will cost"}, ...lines.map((line) => el("li", {text: line}))) : null);
        },
    };

    // ---- moving pictures ----

    // A player that keeps playing as long as the address is the same.
    class Screen {
        constructor(name, label) {
            this.name = name;
            this.label = label;
        }

        draw(url, ...below) {
            const {el, root, safeUrl} = core();
            const place = root(this.name);
            const address = safeUrl(url);
            if (!address) {
                this.node = null;
                return place.replaceChildren();
            }
            if (!this.node || !place.contains(this.node) || this.address !== address) {
                this.address = address;
                this.below = el("div", {class: "mv-below"});
                this.video = el("video", {controls: true, playsinline: true, preload: "metadata", src: address, class: "mv-video", "aria-label": this.label});
                this.node = el("figure", {class: "mv mv-card mv-screen"}, this.video, this.below);
                place.replaceChildren(this.node);
            }
            return this.below.replaceChildren(...below.filter(Boolean));
        }
    }

    function link(label, url, name) {
        const {el, safeUrl} = core();
        const address = safeUrl(url);
        return address ? el("a", {class: "mv-button", href: address, download: name || "", text: label}) : null;
    }

    parts.preview = {
        draw(state) {
            const {el, text} = core();
            this.screen = this.screen || new Screen("preview", "Preview");
            const preview = (state.view && state.view.preview) || {};
            const line = text(preview.text) || "Preview: the animatic, no GPU time used.";
            this.screen.draw(preview.url, el("figcaption", {class: "mv-source", text: line}));
        },
    };

    parts.video = {
        draw(state) {
            const {el, text} = core();
            this.screen = this.screen || new Screen("video", "The finished video");
            const video = (state.view && state.view.video) || {};
            this.screen.draw(video.url,
                el("div", {class: "mv-links"}, link("Video (mp4)", video.url, text(video.name)), link("Settings for the Deforum tab", video.settings_url, "")),
                video.stale ? el("div", {class: "mv-stale", text: "Something was changed since: Visualize again to see it."}) : null,
                text(video.project) ? el("figcaption", {class: "mv-source"}, el("span", {text: "Project "}), el("code", {text: text(video.project)})) : null);
        },
    };

    // ---- earlier visuals ----

    function when(date) {
        const {text} = core();
        if (typeof date !== "number") return text(date);
        const day = new Date(date * 1000);
        return Number.isNaN(day.getTime()) ? "" : day.toLocaleString(undefined, {dateStyle: "medium", timeStyle: "short"});
    }

    function visual(entry, current) {
        const {el, button, text, number, send, safeUrl} = core();
        const done = Math.round(Math.min(100, Math.max(0, number(entry.done, 0))));
        const complete = done >= 100 || (entry.has_video && done === 0);
        const title = text(entry.title) || text(entry.project);
        const address = safeUrl(entry.picture_url);
        const picture = address ? el("img", {class: "mv-visual-picture", src: address, alt: "", loading: "lazy", decoding: "async"})
            : el("div", {class: "mv-visual-picture mv-cover-none", "aria-hidden": "true", text: "♪"});
        const open = button(complete || done === 0 ? "Open" : "Resume", () => {
            send({do: "open", typed: text(entry.project)});
            const card = core().root("card");
            if (card) card.scrollIntoView({block: "center"});
        }, {primary: !complete && done > 0, "aria-label": (complete || done === 0 ? "Open " : "Resume ") + title});
        return el("li", {class: "mv-card mv-visual" + (current ? " mv-current" : ""), "aria-current": current ? "true" : null}, picture,
            el("div", {class: "mv-visual-text"},
                el("div", {class: "mv-visual-title", text: title}),
                el("div", {class: "mv-source", text: [when(entry.date), text(entry.timestring)].filter(Boolean).join(" · ")}),
                el("div", {class: "mv-visual-done"},
                    el("div", {class: "mv-bar", "aria-hidden": "true"}, el("div", {class: "mv-bar-fill", style: {width: done + "%"}})),
                    el("span", {text: complete ? "complete" : done + " %"}))),
            open);
    }

    parts.visuals = {
        draw(state) {
            const {el, root, put, list, text} = core();
            const entries = list((state.view && state.view.visuals) || state.page.visuals).filter((entry) => entry && text(entry.project));
            const key = JSON.stringify([entries, state.project]);
            if (this.key === key && root("visuals").childElementCount) return;
            this.key = key;
            put("visuals", entries.length
                ? el("ul", {class: "mv mv-visuals", "aria-label": "Earlier visuals"}, ...entries.map((entry) => visual(entry, entry.project === state.project)))
                : empty("No visuals yet", "They appear here with their picture, and can be resumed at any time."));
        },
    };
})((window.musicVisualizer = window.musicVisualizer || {}));
