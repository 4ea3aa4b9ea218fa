// Stills: a card for each section with the picture of its prompt and seed, another throw, a lock, and the road to other
// tabs; and the test of four bars.
(function (mv) {
    "use strict";
    const parts = (mv.parts = mv.parts || {});
    if (parts.stills) return;
    const TABS = {img2img: "Send to img2img", extras: "Send to Extras"};
    const LANDS = 30000; // ms from the server's answer until the picture stands in its box
    const local = {sending: null, drawn: "", said: ""};

    function busy(kind) {
        return mv.core.jobs().some((job) => job.kind === kind && mv.core.isActive(job.state));
    }

    function found(state) {
        const shown = state.view && state.view.stills;
        return shown && typeof shown === "object" && shown.ready ? shown : null;
    }

    // ---- to other tabs: the server puts the picture into hidden boxes, the host's own paste takes it from there ----

    function send(item, tab) {
        const press = Date.now().toString(36) + "-" + Math.random().toString(36).slice(2, 10);
        local.sending = {tab, press};
        local.said = "";
        mv.core.send({do: "send_still", section: item.section, press});
        mv.core.draw(["stills"]);
    }

    // Whether the box holds the picture of this press: after a refusal it still holds that of an earlier one.
    function arrived(press) {
        const box = document.getElementById("music_visualizer_still_image");
        const image = box && box.querySelector("img");
        return Boolean(image && image.src && box.textContent.includes(press));
    }

    // Press the host's button as soon as the picture stands in its box.
    function deliver() {
        const {tab, press, gone} = local.sending;
        if (gone) return;
        const target = document.getElementById("music_visualizer_send_" + tab);
        if (target && arrived(press)) {
            local.sending.gone = true;
            window.setTimeout(() => { target.click(); local.sending = null; mv.core.draw(["stills"]); }, 150);
        } else if (!mv.core.pending("send_still")) {
            const since = (local.sending.since = local.sending.since || Date.now());
            if (Date.now() - since <= LANDS) return;
            local.sending = null;
            local.said = "The still did not reach " + TABS[tab].replace("Send to ", "") + ": save the picture and drop it there.";
            mv.core.draw(["stills"]);
        }
    }

    window.setInterval(() => { if (local.sending) deliver(); }, 200);

    // ---- drawing ----

    function picture(item) {
        const {el, safeUrl, text} = mv.core;
        const url = safeUrl(item.url);
        if (!url) return el("div", {class: "mv-still-none", text: "no still yet"});
        const image = el("img", {src: url, alt: "Still of " + text(item.label) + ": " + text(item.prompt), loading: "lazy"});
        return el("a", {href: url, target: "_blank", rel: "noopener", class: "mv-still-picture", title: "Open the still"}, image);
    }

    function words(item) {
        const seed = "seed " + mv.core.text(item.seed);
        if (item.stale) return seed + " · before the last change";
        if (item.tried) return seed + " · a try: Lock keeps it";
        return item.locked ? seed + " · locked" : seed;
    }

    function card(item, shown, waiting) {
        const {el, button, text, send: ask} = mv.core;
        const name = text(item.label);
        const press = (label, action, title) => {
            const made = button(label, action, {title, "aria-label": label + " " + name, "data-still": item.section + label});
            made.disabled = waiting;
            return made;
        };
        const lock = item.locked && !item.tried
            ? press("Unlock", () => ask({do: "unlock_still", section: item.section}), "The label gets its own seed back")
            : press("Lock", () => ask({do: "lock_still", section: item.section}), "The video keeps this seed for " + name);
        return el("li", {class: "mv-still" + (item.stale ? " mv-stale" : "")},
            picture(item),
            el("div", {class: "mv-still-name", text: name + " (" + text(item.role) + ")"}),
            el("div", {class: "mv-note", text: words(item)}),
            el("div", {class: "mv-still-buttons"},
                press(item.url && !item.stale ? "Re-roll" : "Paint", () => ask({do: "still", section: item.section, reroll: Boolean(item.url && !item.stale)}),
                    "Paint this section" + (item.url && !item.stale ? " with another seed" : "")),
                lock,
                ...(shown.paste && item.url ? Object.entries(TABS).map(([tab, label]) => press(label, () => send(item, tab), "With its prompt and settings")) : [])));
    }

    function keepFocus(draw) {
        const place = mv.core.root("stills");
        const held = place && place.contains(document.activeElement) && document.activeElement.getAttribute("data-still");
        draw();
        const again = held && [...place.querySelectorAll("[data-still]")].find((node) => node.getAttribute("data-still") === held);
        if (again && !again.disabled) again.focus({preventScroll: true});
    }

    function test(state) {
        const {el, button, safeUrl, clock, number, send: ask} = mv.core;
        const done = state.view.test;
        const press = button("Test 4 bars", () => ask({do: "test_bars", start: from(), bars: 4}),
            {title: "Paints four bars from where the player stands, as the whole would be", "data-still": "test"});
        press.disabled = busy("test");
        const url = done && safeUrl(done.url);
        return el("div", {class: "mv-test"}, press,
            url ? el("span", {class: "mv-note", text: clock(number(done.start, 0), 1) + " to " + clock(number(done.end, 0), 1)}) : null,
            url ? el("video", {src: url, controls: true, loop: true, preload: "metadata", playsinline: true, "aria-label": "Test of four bars"}) : null);
    }

    // Where the player stands, in the song's seconds; else where the visible stretch begins.
    function from() {
        const now = parts.player ? parts.player.time() : 0;
        if (now > 0) return now;
        const stretch = parts.timeline && parts.timeline.stretch ? parts.timeline.stretch() : null;
        return stretch ? mv.core.number(stretch.start, 0) : 0;
    }

    function waits() {
        return busy("stills") || Boolean(local.sending);
    }

    parts.stills = {
        draw(state) {
            const {el, put, button, root} = mv.core;
            const shown = found(state);
            if (!shown) {
                local.drawn = "";
                return void put("stills");
            }
            // Drawn anew only when something changed: a test that is being watched plays on.
            const drawn = JSON.stringify([shown, state.view.test, waits(), state.view.project, local.said]);
            if (drawn === local.drawn && root("stills").childNodes.length) return;
            local.drawn = drawn;
            const all = button("Stills of all sections", () => mv.core.send({do: "stills"}), {"data-still": "all", title: "Paints what has no picture yet"});
            all.disabled = waits();
            keepFocus(() => put("stills", el("section", {class: "mv mv-card", "aria-label": "Stills"},
                el("div", {class: "mv-panel-head", text: "Stills"}),
                shown.real ? null : el("p", {class: "mv-note", text: "No checkpoint paints here: these are the animatic's pictures."}),
                shown.note ? el("p", {class: "mv-note", text: mv.core.text(shown.note)}) : null,
                el("div", {class: "mv-ways"}, all),
                el("div", {class: "mv-note", role: "status", text: local.said, hidden: !local.said}),
                el("ul", {class: "mv-stills"}, ...mv.core.list(shown.items).map((item) => card(item, shown, waits()))),
                test(state))));
        },

        // Jobs have begun or ended.
        status() {
            const place = mv.core.root("stills");
            for (const node of place ? place.querySelectorAll("[data-still]") : []) {
                node.disabled = node.getAttribute("data-still") === "test" ? busy("test") : waits();
            }
        },
    };
})((window.musicVisualizer = window.musicVisualizer || {}));
