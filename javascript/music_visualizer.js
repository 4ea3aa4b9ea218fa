// Music Visualizer, the page's own part: it draws the JSON that the server computed and sends back what the person did.
//
// Plain scripts, any order, one global: musicVisualizer. Conventions: times in seconds of the song; found text (titles,
// tags, labels, prompts) goes into the page only by textContent and value, addresses only through safeUrl; one request
// to the server is under way at a time, so that an old answer can never undo a newer edit; the page's own buttons answer
// in between, and what they bring ends no request of this script.
(function (mv) {
    "use strict";
    if (mv.core) return; // loaded twice by a reloaded page part: the first one stays

    const PREFIX = "music_visualizer_";
    const REMEMBERED = "music_visualizer_project";
    const TICK = 200; // ms between two looks at the clock
    const BUSY_POLL = 1000;
    const IDLE_POLL = 10000;
    const SETTLE = 80; // ms between an answer and the next request: the answer's other boxes arrive in between
    const ECHO = 200; // ms until an answer's lines stand on the page
    const LIMITS = {act: 65000, poll: 30000, attach: 8000}; // ms; a later answer is taken as lost
    const UNHEARD = 2500; // ms
    const REPEATABLE = ["row", "label", "role", "candidates", "style", "negative", "cover", "link", "open", "interrupt", "taps", "clear_taps", "send_still"];

    const state = {view: null, status: null, page: {}, project: remembered(), said: []};
    const parts = (mv.parts = mv.parts || {});
    const channel = {flight: null, freeAt: 0, queue: [], attach: true, pollNow: false, polledAt: 0, misses: 0};

    // ---- elements ----

    // A new element. Options: class, text, on {event: handler}, style {property: value}, anything else is an attribute
    // (false and null leave it out). Children are elements; text is never markup.
    function el(tag, options, ...children) {
        const node = document.createElement(tag);
        for (const [key, value] of Object.entries(options || {})) {
            if (value === null || value === undefined || value === false) continue;
            if (key === "class") node.className = value;
            else if (key === "text") node.textContent = value;
            else if (key === "value") node.value = value;
            else if (key === "on") for (const [event, handler] of Object.entries(value)) node.addEventListener(event, handler);
            else if (key === "style") for (const [name, setting] of Object.entries(value)) node.style.setProperty(name, setting);
            else node.setAttribute(key, value === true ? "" : String(value));
        }
        node.append(...children.filter(Boolean));
        return node;
    }

    function root(name) {
        return document.getElementById(PREFIX + name + "_view");
    }

    function put(name, ...children) {
        const place = root(name);
        if (place) place.replaceChildren(...children.filter(Boolean));
        return place;
    }

    function setText(node, text) {
        if (node.textContent !== text) node.textContent = text;
    }

    function button(text, action, options) {
        const more = options || {};
        const kind = more.primary ? "mv-button mv-primary" : "mv-button";
        return el("button", {type: "button", text, ...more, primary: null, class: kind + " " + (more.class || ""), on: {click: action}});
    }

    // ---- values ----

    // Only addresses of this very server; anything else (javascript:, data:, another host) becomes "".
    function safeUrl(url) {
        if (typeof url !== "string" || !url || /[\u0000-\u001f\\]/.test(url)) return "";
        try {
            const full = new URL(url, document.baseURI);
            const http = full.protocol === "http:" || full.protocol === "https:";
            return http && full.origin === window.location.origin ? full.href : "";
        } catch (error) {
            return "";
        }
    }

    function list(value) {
        return Array.isArray(value) ? value : [];
    }

    function number(value, otherwise) {
        return typeof value === "number" && Number.isFinite(value) ? value : otherwise;
    }

    function text(value) {
        return typeof value === "string" ? value : typeof value === "number" ? String(value) : "";
    }

    // 83.42 -> "1:23", with digits=1 "1:23.4"
    function clock(seconds, digits) {
        const unit = 10 ** (digits || 0);
        const whole = Math.max(0, Math.round(number(seconds, 0) * unit));
        const pad = (n) => String(n).padStart(2, "0");
        const total = Math.floor(whole / unit);
        const hours = Math.floor(total / 3600);
        const minutes = Math.floor(total / 60) % 60;
        const head = hours ? hours + ":" + pad(minutes) : String(minutes);
        const tail = digits ? "." + String(whole % unit).padStart(digits, "0") : "";
        return head + ":" + pad(total % 60) + tail;
    }

    // Index of the first entry that is not before "from" in sorted numbers; their count when there is none.
    function firstFrom(sorted, from) {
        let low = 0;
        let high = sorted.length;
        while (low < high) {
            const middle = (low + high) >> 1;
            if (sorted[middle] < from) low = middle + 1;
            else high = middle;
        }
        return low;
    }

    function wait(seconds) {
        const s = Math.max(0, Math.round(number(seconds, 0)));
        if (s < 60) return s + " s";
        if (s < 3600) return Math.floor(s / 60) + " min " + String(s % 60).padStart(2, "0") + " s";
        return Math.floor(s / 3600) + " h " + String(Math.floor(s / 60) % 60).padStart(2, "0") + " min";
    }

    function parse(json) {
        if (json && typeof json === "object") return json;
        if (typeof json !== "string" || !json.trim()) return null;
        try {
            const value = JSON.parse(json);
            return value && typeof value === "object" ? value : null;
        } catch (error) {
            console.error("musicVisualizer: not JSON:", error);
            return null;
        }
    }

    // The project survives a reload; a browser that keeps nothing (private mode, blocked storage) merely forgets it.
    function remembered() {
        try {
            return window.localStorage.getItem(REMEMBERED) || "";
        } catch (error) {
            return "";
        }
    }

    function remember(project) {
        state.project = project;
        try {
            if (project) window.localStorage.setItem(REMEMBERED, project);
            else window.localStorage.removeItem(REMEMBERED);
        } catch (error) {
            // forgotten at the next reload, nothing else
        }
    }

    // ---- the one road to the server ----

    // Queues an edit. A newer text for the same field replaces an older one that was not sent yet.
    function send(action) {
        const same = (other) => fieldOf(other) !== "" && fieldOf(other) === fieldOf(action);
        channel.queue = channel.queue.filter((entry) => !same(entry.action));
        channel.queue.push({action, project: open() || state.project, retried: false});
        pump();
    }

    function fieldOf(action) {
        if (["candidates", "style", "negative", "cover"].includes(action.do)) return action.do;
        if (action.do !== "row") return "";
        return ["row", action.section, Object.keys(action).sort().join()].join("/");
    }

    // Whether an edit of that kind still waits for its answer.
    function pending(kind) {
        const flying = channel.flight && channel.flight.entry && channel.flight.entry.action.do === kind;
        return Boolean(flying) || channel.queue.some((entry) => entry.action.do === kind);
    }

    function pump() {
        const now = Date.now();
        if (channel.flight && now - channel.flight.since > limit(channel.flight)) lose(channel.flight);
        if (channel.flight || now < channel.freeAt) return;
        if (channel.attach) return void fly("attach", null);
        if (channel.queue.length && document.getElementById(PREFIX + "act")) return void fly("act", channel.queue.shift());
        const rest = busy() && shown() ? BUSY_POLL : IDLE_POLL;
        if (channel.pollNow || now - channel.polledAt >= rest) fly("poll", null);
    }

    // The first attach may be clicked before gradio listens to its buttons: tried again soon, if nobody took it.
    function limit(flight) {
        return flight.kind === "attach" && !flight.asked && !channel.misses ? UNHEARD : LIMITS[flight.kind];
    }

    function fly(kind, entry) {
        const target = document.getElementById(PREFIX + kind);
        if (!target) return;
        channel.flight = {kind, entry, since: Date.now(), asked: false};
        if (kind === "act" && parts.echo) parts.echo.before();
        if (kind === "attach") channel.attach = false;
        else if (kind === "poll") channel.polledAt = channel.flight.since;
        target.click();
    }

    // The answer to a request of ours has come; gives back the request, or nothing for an answer of the page's own events.
    function land(kind) {
        if (kind === "attach") channel.attach = false; // a late one, too: asked again it would open the song of then
        const flight = channel.flight;
        if (!flight || flight.kind !== kind) return null;
        channel.flight = null;
        channel.misses = 0;
        channel.freeAt = Date.now() + SETTLE;
        if (flight.anew && !state.revision) state.revision = text(state.view && state.view.revision); // shown already
        window.setTimeout(pump, SETTLE + 5);
        setOffline(false);
        return flight;
    }

    // No answer: texts are sent once more after the page found the server again, a step that would count twice is not.
    function lose(flight) {
        channel.flight = null;
        channel.misses += 1;
        channel.attach = true;
        channel.freeAt = Date.now() + Math.min(10000, 1000 * channel.misses);
        if (flight.entry && REPEATABLE.includes(flight.entry.action.do) && !flight.entry.retried) {
            channel.queue.unshift({...flight.entry, retried: true});
        } else if (flight.entry) {
            state.said.push({kind: "warning", text: "The last change got no answer. Check it, and make it again if it is missing."});
        }
        setOffline(channel.misses > 1);
    }

    function setOffline(offline) {
        if (Boolean(state.offline) === offline) return;
        state.offline = offline;
        draw(["notices"]);
    }

    function busy() {
        return jobs().some((job) => job.state === "running" || job.state === "waiting");
    }

    function jobs() {
        return list(state.status && state.status.jobs).filter((job) => job && typeof job === "object");
    }

    // Whether the person can see the tab now: the browser's tab and the WebUI's.
    function shown() {
        const place = document.getElementById("music_visualizer") || root("progress");
        return document.visibilityState !== "hidden" && Boolean(place && (place.offsetParent || place.getClientRects().length));
    }

    // ---- what the server calls ----

    // Every answer ends in view and status, also when its boxes stay as they were: then the text is the last one. "kind"
    // is that of our request which it answers.
    mv.view = function (json, kind) {
        const flight = land(kind);
        const edit = flight && flight.kind === "act" ? flight.entry.action.do : "";
        if (edit && parts.echo) window.setTimeout(() => parts.echo.look(edit), ECHO);
        if (!kind) channel.pollNow = true; // it may have been made before, and have come after, one of ours
        const same = typeof json === "string" && json === state.viewText;
        if (same) { // refused: what was moved goes back
            if (edit) draw(["rows", "timeline", ...order().filter((name) => !FIRST.includes(name))]);
            return;
        }
        const fresh = parse(json);
        if (!fresh) return;
        state.viewText = typeof json === "string" ? json : null;
        const project = text(fresh.project);
        if (project !== text(state.view && state.view.project)) state.said = [];
        state.view = fresh;
        state.revision = text(fresh.revision) || text(state.status && state.status.revision);
        if (project || !open()) remember(project);
        draw(null);
    };

    mv.status = function (json, kind) {
        land(kind);
        const fresh = parse(json);
        if (!fresh) return;
        const before = new Map(jobs().map((job) => [job.id, job.state]));
        state.status = fresh;
        if (open() && open() !== state.project) remember(open());
        const ended = jobs().some((job) => isActive(before.get(job.id)) && !isActive(job.state));
        if (ended) {
            state.revision = ""; // the finished video is in the view: ask for it now
            channel.pollNow = true;
            window.setTimeout(pump, SETTLE + 5);
        }
        draw(["progress", "notices"]);
        for (const part of Object.values(parts)) {
            if (part.status) part.status(state);
        }
    };

    // What belongs to no song: notices of the host, the list of visuals.
    mv.page = function (json) {
        if (typeof json === "string" && json === state.pageText) return;
        const fresh = parse(json);
        if (!fresh) return;
        state.pageText = typeof json === "string" ? json : null;
        Object.assign(state.page, fresh);
        draw(["notices", "visuals", "cost"]);
    };

    // The project that the server's part of the page has open: a song just given has no view yet.
    function open() {
        const box = document.querySelector("#" + PREFIX + "project textarea, #" + PREFIX + "project input");
        return box ? box.value : "";
    }

    function isActive(jobState) {
        return jobState === "running" || jobState === "waiting";
    }

    mv.takeAction = function () {
        const flight = channel.flight;
        if (!flight || flight.kind !== "act" || flight.asked) return "";
        flight.asked = true;
        return JSON.stringify({project: flight.entry.project, action: flight.entry.action});
    };

    mv.takePoll = function () {
        channel.pollNow = false;
        if (channel.flight && channel.flight.kind === "poll") channel.flight.anew = !state.revision;
        return JSON.stringify({project: open() || state.project, revision: state.revision || ""});
    };

    mv.takeAttach = function () {
        if (channel.flight && channel.flight.kind === "attach") channel.flight.asked = true;
        return JSON.stringify({project: state.project});
    };

    // The stretch of the song that the timeline shows, as JSON; "" for the whole song.
    mv.stretch = function () {
        const part = parts.timeline && parts.timeline.stretch ? parts.timeline.stretch() : null;
        return part ? JSON.stringify(part) : "";
    };

    // ---- drawing and starting ----

    // Parts that bring their own edits (base, takes, ...) name themselves; they are drawn after these.
    const FIRST = ["notices", "card", "timeline", "candidates", "rows", "progress", "cost", "preview", "video", "visuals"];

    function order() {
        return [...FIRST, ...Object.keys(parts).filter((name) => !FIRST.includes(name))];
    }

    function draw(names) {
        for (const name of names || order()) {
            if (!parts[name] || !root(name)) continue;
            const held = state.view && state.view[name];
            let fault = text(held && held.fault);
            try {
                if (!fault) parts[name].draw(state);
            } catch (error) {
                console.error("musicVisualizer: could not draw " + name + ":", error); // the other parts still draw
                fault = "This part cannot be drawn: " + text(error && error.message) + ". The rest of the page still works.";
            }
            tellFault(root(name), fault);
        }
    }

    // What is wrong with a part, in place of what it showed last, until it draws again.
    function tellFault(place, fault) {
        place.classList.toggle("mv-faulty", Boolean(fault));
        const old = place.querySelector(":scope > .mv-fault");
        if (old && old.textContent === fault) return;
        if (old) old.remove();
        if (fault) place.prepend(el("div", {class: "mv mv-stale mv-fault", role: "alert", text: fault}));
    }

    function isDark() {
        return [document.body, document.documentElement].some((node) => node && node.classList.contains("dark"));
    }

    // Redraws what was rebuilt by gradio and what is painted in colours of the theme.
    function watch() {
        let drawn = new Set(order().map(root).filter(Boolean));
        const look = () => {
            const found = order().filter((name) => root(name) && !drawn.has(root(name)));
            if (!found.length) return;
            drawn = new Set(order().map(root).filter(Boolean));
            draw(found);
        };
        new MutationObserver(look).observe(document.documentElement, {childList: true, subtree: true});
        const themes = new MutationObserver(() => draw(["timeline", "rows"]));
        for (const node of [document.documentElement, document.body]) {
            themes.observe(node, {attributes: true, attributeFilter: ["class"]});
        }
        draw(null);
    }

    function start() {
        if (mv.started) return;
        mv.started = true;
        watch();
        window.setInterval(pump, TICK);
        document.addEventListener("visibilitychange", () => {
            if (document.visibilityState === "visible") channel.pollNow = true;
        });
        if (typeof window.onUiTabChange === "function") window.onUiTabChange(() => { channel.pollNow = shown() && busy(); });
    }

    mv.core = {
        el, root, put, setText, button, safeUrl, list, number, text, clock, firstFrom, wait, send, pending, draw, isDark, isActive,
        jobs, state, PREFIX,
    };

    // The other files may come after this one; by then all of them have run.
    if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
    else window.setTimeout(start, 0);
})((window.musicVisualizer = window.musicVisualizer || {}));
