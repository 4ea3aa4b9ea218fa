// Undo and redo: two buttons that say what they would do, Ctrl-Z and Shift-Ctrl-Z (Ctrl-Y too; Cmd on a Mac).
//
// The steps are the server's, so that they outlive a reload. In a text field that was typed into since it got the focus
// the keys stay the browser's own, letter by letter; anywhere else they are these.
(function (mv) {
    "use strict";
    const parts = (mv.parts = mv.parts || {});
    if (parts.history) return;
    let typedIn = null;

    function steps(state) {
        const found = state.view && state.view.history;
        return found && typeof found === "object" ? found : {};
    }

    // What is undone can be redone before the server has answered, and the other way round: then the view is the older one.
    function step(name, state) {
        const other = name === "undo" ? "redo" : "undo";
        if (steps(state)[name] || mv.core.pending(other)) mv.core.send({do: name});
    }

    function one(name, label, keys, state) {
        const {button, text} = mv.core;
        const words = text(steps(state)[name]);
        const title = words ? label + ": " + words + " (" + keys + ")" : "Nothing to " + name;
        const made = button(label, () => step(name, mv.core.state), {title, "aria-label": title, "data-step": name});
        made.disabled = !words;
        return made;
    }

    // What was corrected of the hearing, all at once; itself a step that can be undone.
    function all(state) {
        if (!state.view.hearing || !state.view.hearing.edited) return null;
        return mv.core.button("Undo all corrections", () => mv.core.send({do: "reset_hearing"}), {"data-step": "all"});
    }

    parts.history = {
        draw(state) {
            const {el, put, text, root} = mv.core;
            if (!state.view || !text(state.view.project)) return void put("history");
            const place = root("history");
            const held = place && place.contains(document.activeElement) ? document.activeElement.getAttribute("data-step") : null;
            put(
                "history",
                el("div", {class: "mv mv-history", role: "group", "aria-label": "Undo and redo"},
                    one("undo", "Undo", "Ctrl-Z", state), one("redo", "Redo", "Shift-Ctrl-Z", state), all(state)),
            );
            const again = held && place.querySelector('[data-step="' + held + '"]');
            if (again) again.focus({preventScroll: true});
        },
    };

    function isField(node) {
        if (!node || !node.tagName) return false;
        if (node.isContentEditable || node.tagName === "TEXTAREA") return true;
        return node.tagName === "INPUT" && !["checkbox", "radio", "range", "button", "submit", "file"].includes(node.type);
    }

    // Whether the page is the one in sight, and not another tab of the WebUI.
    function inSight() {
        const place = mv.core.root("history");
        return Boolean(place && place.getClientRects().length);
    }

    function wanted(event) {
        if (!(event.ctrlKey || event.metaKey) || event.altKey) return "";
        const key = String(event.key).toLowerCase();
        if (key === "z") return event.shiftKey ? "redo" : "undo";
        return key === "y" && !event.shiftKey ? "redo" : "";
    }

    document.addEventListener("input", (event) => { if (event.isTrusted && isField(event.target)) typedIn = event.target; }, true);
    document.addEventListener("focusout", () => { typedIn = null; }, true);
    document.addEventListener("keydown", (event) => {
        const name = wanted(event);
        if (!name || !mv.core || !inSight()) return;
        if (isField(event.target) && (event.target === typedIn || !ours(event.target))) return;
        // Never the browser's own as well: it would change the field that was typed in last, which would be a new edit.
        event.preventDefault();
        if (!(event.repeat && mv.core.pending(name))) step(name, mv.core.state);
    });

    // A field of another extension or of the host beside us keeps its own keys.
    function ours(node) {
        const page = document.getElementById("music_visualizer");
        return Boolean(page && page.contains(node));
    }
})((window.musicVisualizer = window.musicVisualizer || {}));
