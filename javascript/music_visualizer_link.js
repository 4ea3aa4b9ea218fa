// What the song's card says of its link: Spotify's own title and cover with attribution, both lengths, and what only the
// person can say (which song of an album, which recording, whether the file is the right one).
(function (mv) {
    "use strict";
    const parts = (mv.parts = mv.parts || {});
    const core = () => mv.core; // the core's file may come later
    const SONG = /^https:\/\/open\.spotify\.com\/track\/[0-9A-Za-z]{22}$/;
    const VIDEO = /^https:\/\/www\.youtube\.com\/watch\?v=[\w-]{11}$/;

    // A link that leaves the page, to an address that is built from an id alone; anything else is plain text.
    function outside(url, shape, label) {
        const {el, text} = core();
        const good = shape.test(text(url));
        return good ? el("a", {href: text(url), target: "_blank", rel: "noopener noreferrer", text: label, class: "mv-outside"})
            : el("span", {text: label});
    }

    function apart(seconds) {
        const {number} = core();
        const value = number(seconds, null);
        return value === null ? "" : (value < 0 ? "−" : "+") + Math.abs(value).toFixed(1) + " s";
    }

    // One action of the person; all of the question's buttons wait for what comes of it.
    function tell(node, action) {
        for (const input of node.closest(".mv-link").querySelectorAll("button, input")) input.disabled = true;
        core().send(action);
    }

    function spotify(song) {
        const {el, text, list, number, clock, safeUrl} = core();
        const said = song.spotify;
        if (!song.link) return null;
        const address = said ? safeUrl(said.cover_url) : "";
        const name = said ? text(said.title) : "";
        const artists = said ? list(said.artists).map(text).filter(Boolean).join(", ") : "";
        const length = said && number(said.duration, 0) ? clock(said.duration) : "";
        return el("div", {class: "mv-spotify"},
            address ? el("img", {class: "mv-spotify-cover", src: address, alt: "Spotify’s cover of " + name, decoding: "async"}) : null,
            el("div", {class: "mv-spotify-text"},
                el("div", {class: "mv-spotify-name"}, el("strong", {text: "Spotify"}), el("span", {text: said ? ": " + [name, artists, length].filter(Boolean).join(" · ") : " told nothing of this song"})),
                el("div", {class: "mv-source"}, outside(song.link.url, SONG, "Open on Spotify"),
                    el("span", {text: said ? " · title and cover are Spotify’s" : ""})),
                song.has_file ? core().button("Without this link", (event) => tell(event.target, {do: "without_link"}), {class: "mv-small"}) : null));
    }

    function fetched(song) {
        const {el, text, number} = core();
        const record = song.download;
        if (!record) return null;
        const more = [text(record.channel), text(record.length), apart(record.apart), number(record.score, null) === null ? "" : "score " + Math.round(record.score)];
        return el("div", {class: "mv-source"}, el("span", {text: "audio: "}), outside(record.url, VIDEO, text(record.title) || "YouTube"),
            el("span", {text: more.filter(Boolean).map((word) => " · " + word).join("")}));
    }

    function mismatch(song) {
        const {el, text, clock} = core();
        const found = song.mismatch;
        if (!found) return null;
        const box = el("input", {type: "checkbox", class: "mv-check", checked: found.kept === true});
        box.addEventListener("change", () => tell(box, {do: "right_recording", on: box.checked}));
        return el("div", {class: "mv-question" + (found.kept === true ? "" : " mv-open"), role: found.kept === true ? null : "alert"},
            el("div", {text: text(found.text)}),
            el("div", {class: "mv-lengths"}, el("span", {text: "your file: " + clock(found.file, 1)}), el("span", {text: "on Spotify: " + clock(found.spotify, 1)})),
            el("label", {class: "mv-agree"}, box, el("span", {text: "It is the right recording"})));
    }

    function choice(entry, recording) {
        const {el, text, number, clock, button} = core();
        const id = text(entry.id);
        const length = number(entry.length, 0) ? clock(entry.length) : "length unknown";
        const facts = [text(entry.by), length, apart(entry.apart)].filter(Boolean).join(" · ");
        return el("li", {class: "mv-choice"},
            el("div", {class: "mv-choice-text"}, el("div", {text: text(entry.title)}), el("div", {class: "mv-source"}, el("span", {text: facts}),
                recording ? el("span", {text: " · "}) : null,
                recording ? outside(entry.url, VIDEO, "listen") : null)),
            button(recording ? "Take this one" : "This song", (event) => tell(event.target, {do: recording ? "choose" : "song_of_album", id}),
                {"aria-label": (recording ? "Take " : "Choose ") + text(entry.title) + ", " + length}));
    }

    function question(song) {
        const {el, text, list} = core();
        const asked = song.question;
        if (!asked || asked.kind === "mismatch") return null;
        const entries = list(asked.choices).filter((entry) => entry && typeof entry === "object");
        return el("div", {class: "mv-question mv-open", role: "alert"},
            el("div", {text: text(asked.text)}), text(asked.fix) ? el("div", {class: "mv-fix", text: text(asked.fix)}) : null,
            entries.length ? el("ol", {class: "mv-choices"}, ...entries.map((entry) => choice(entry, asked.kind === "recording"))) : null);
    }

    // For the card: what belongs to the link, or nothing.
    parts.link = {
        node(song) {
            const {el} = core();
            const found = [spotify(song), fetched(song), mismatch(song), question(song)].filter(Boolean);
            return found.length ? el("div", {class: "mv-link"}, ...found) : null;
        },
    };
})((window.musicVisualizer = window.musicVisualizer || {}));
