// Ways out: the files for other tools, a copy button for every schedule, and Deforum's own tab filled with the settings.
//
// Deforum's tab is filled by its own controls: the path of our settings file goes into its path box, its "Load All
// Settings" is clicked, and the box gets back what stood there.
(function (mv) {
    "use strict";
    const parts = (mv.parts = mv.parts || {});
    if (parts.ways_out) return;
    const SETTLED = 400; // ms until gradio has taken over what was put into a box
    const SENT = 1500; // ms until its request has left with what stands in its boxes
    const local = {sending: false, said: "", schedules: null, of: ""};

    // ---- Deforum's own tab ----

    function inDeforum(id) {
        return document.querySelector("#" + id);
    }

    function pathBox() {
        const place = inDeforum("deforum_settings_path");
        return place ? place.querySelector("textarea, input") : null;
    }

    // What a person types: the element's own setter, and the event that gradio listens for.
    function type(box, value) {
        const kind = box.tagName === "TEXTAREA" ? window.HTMLTextAreaElement : window.HTMLInputElement;
        Object.getOwnPropertyDescriptor(kind.prototype, "value").set.call(box, value);
        box.dispatchEvent(new Event("input", {bubbles: true}));
    }

    function pause(ms) {
        return new Promise((done) => window.setTimeout(done, ms));
    }

    // Presses one of Deforum's two buttons with another path in its box for that moment.
    async function withPath(path, button) {
        const box = pathBox();
        const target = inDeforum(button);
        if (!box || !target) throw new Error("there is no Deforum tab on this page: install Deforum, or use the settings file");
        const before = box.value;
        type(box, path);
        try {
            await pause(SETTLED);
            if (box.value !== path) throw new Error("Deforum's settings box does not take the path: load the settings file by hand");
            (target.tagName === "BUTTON" ? target : target.querySelector("button") || target).click();
            await pause(SENT);
        } finally {
            type(box, before);
        }
    }

    function showTab(name) {
        const found = [...document.querySelectorAll("#tabs button")].find((node) => node.textContent.trim() === name);
        if (found) found.click();
        return Boolean(found);
    }

    mv.deforum = {isThere: () => Boolean(pathBox()), withPath, showTab};

    // ---- the clipboard; a page without https has none but the old way ----

    async function copy(text) {
        try {
            await navigator.clipboard.writeText(text);
            return true;
        } catch (error) {
            const box = mv.core.el("textarea", {"aria-hidden": "true", style: {position: "fixed", opacity: "0"}});
            box.value = text;
            document.body.append(box);
            box.select();
            try {
                return document.execCommand("copy");
            } finally {
                box.remove();
            }
        }
    }

    // ---- drawing ----

    function way(state) {
        const found = state.view && state.view.ways_out;
        return found && typeof found === "object" ? found : null;
    }

    function fileOf(found, kind) {
        return mv.core.list(found.files).find((file) => file.kind === kind);
    }

    async function send(state) {
        local.sending = true;
        local.said = "";
        mv.core.send({do: "export"});
        mv.core.draw(["ways_out"]);
    }

    // The files are fresh now: the rest of "Send to Deforum".
    async function fill(found) {
        local.sending = false;
        try {
            await withPath(mv.core.text(found.settings_path), "deforum_load_settings_btn");
            local.said = "The Deforum tab is filled. Its path box stands as before.";
            showTab("Deforum");
        } catch (error) {
            local.said = error.message;
        }
        mv.core.draw(["ways_out"]);
    }

    async function loadSchedules(file) {
        const url = mv.core.safeUrl(file.url);
        if (local.of === url) return;
        local.of = url;
        local.schedules = null;
        try {
            const answer = await fetch(url, {credentials: "same-origin"});
            const found = answer.ok ? await answer.json() : null;
            local.schedules = mv.core.list(found).filter((one) => one && typeof one.text === "string");
        } catch (error) {
            local.schedules = [];
        }
        mv.core.draw(["ways_out"]);
    }

    function schedule(one) {
        const {el, button, text} = mv.core;
        const key = text(one.key);
        const done = el("span", {class: "mv-note", role: "status"});
        const press = button("Copy", async () => { done.textContent = (await copy(one.text)) ? "copied" : "could not copy: select the text"; },
            {"aria-label": "Copy " + key});
        return el("li", {class: "mv-schedule"},
            el("code", {class: "mv-schedule-key", text: key}),
            el("input", {type: "text", readonly: true, value: one.text, "aria-label": key, class: "mv-schedule-text"}),
            press, done);
    }

    function files(found) {
        const {el, list, text, safeUrl} = mv.core;
        const shown = list(found.files).filter((file) => file.kind !== "schedules" && safeUrl(file.url));
        return el("ul", {class: "mv-files"}, ...shown.map((file) => el("li", {},
            el("a", {href: safeUrl(file.url), class: "mv-button", download: text(file.name), text: text(file.title)}))));
    }

    function schedules(found) {
        const {el, list, text} = mv.core;
        const file = fileOf(found, "schedules");
        if (!file) return null;
        const held = document.getElementById("music_visualizer_schedules");
        const box = el("details", {id: "music_visualizer_schedules", open: Boolean(held && held.open)}, el("summary", {text: "Copy a schedule"}));
        box.addEventListener("toggle", () => { if (box.open) loadSchedules(file); });
        if (box.open) loadSchedules(file);
        if (list(local.schedules).length) box.append(el("ul", {class: "mv-schedules"}, ...local.schedules.map(schedule)));
        else box.append(el("p", {class: "mv-note", text: local.schedules ? "The schedules could not be read: make the files again." : "…"}));
        return box;
    }

    parts.ways_out = {
        draw(state) {
            const {el, put, button, text, pending} = mv.core;
            const found = way(state);
            if (!found || (!found.ready && !mv.core.list(found.files).length)) return void put("ways_out");
            const busy = pending("export");
            if (local.sending && !busy) {
                if (!found.stale && text(found.settings_path)) return void fill(found);
                local.sending = false; // refused: its line says why
            }
            const make = button(found.files.length ? "Make the files again" : "Make the files", () => mv.core.send({do: "export"}));
            const deforum = button("Send to Deforum", () => send(state), {title: "Fills the Deforum tab with these settings"});
            make.disabled = deforum.disabled = busy || local.sending || !found.ready;
            put("ways_out", el("section", {class: "mv mv-card", "aria-label": "Ways out"},
                el("div", {class: "mv-panel-head", text: "Ways out"}),
                el("div", {class: "mv-ways"}, make, mv.deforum.isThere() ? deforum : null,
                    found.stale ? el("span", {class: "mv-note", text: "The song has changed since these were made."}) : null,
                    el("span", {class: "mv-note", role: "status", text: local.said})),
                files(found),
                schedules(found)));
        },
    };
})((window.musicVisualizer = window.musicVisualizer || {}));
