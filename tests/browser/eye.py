"""What an eye would stumble over, measured in the page: pale words, controls that cross, states that cannot be seen.

Conventions: each function gives one line for each thing that is wrong, with what was measured; ratios are WCAG 2.2's
(1.4.3: 4.5, large words 3). A gradient counts with the worst of its colours; what is disabled is left out, as there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.browser.tab import Tab

_COMMON = """
const page = document.querySelector("#music_visualizer");
const seen = (n) => n.checkVisibility({checkOpacity: true, checkVisibilityCSS: true}) && n.getClientRects().length > 0;
const name = (n) => n.tagName + "." + n.className + (n.id ? "#" + n.id : "") + " "
    + (n.getAttribute("aria-label") || n.textContent || "").trim().slice(0, 40);
"""
_PALE = """
const rgba = (c) => { const m = c.match(/[\\d.]+/g).map(Number); return [m[0], m[1], m[2], m.length > 3 ? m[3] : 1]; };
const over = (a, b) => [0, 1, 2].map((i) => a[i] * a[3] + b[i] * (1 - a[3])).concat(1);
const part = (v) => (v / 255 <= 0.04045 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4);
const light = (c) => 0.2126 * part(c[0]) + 0.7152 * part(c[1]) + 0.0722 * part(c[2]);
const ratio = (a, b) => (Math.max(light(a), light(b)) + 0.05) / (Math.min(light(a), light(b)) + 0.05);
function behind(node) {
    const layers = [];
    for (let n = node; n; n = n.parentElement) {
        const style = getComputedStyle(n);
        const painted = style.backgroundImage.includes("gradient") && !style.backgroundSize.includes("px");
        const stops = painted ? [...style.backgroundImage.matchAll(/rgba?\\([^)]*\\)/g)].map((m) => rgba(m[0])) : [];
        if (stops.length) layers.push(stops);
        const colour = rgba(style.backgroundColor);
        if (!stops.length && colour[3] > 0) layers.push([colour]);
        if (layers.length && layers[layers.length - 1].every((c) => c[3] === 1)) break;
    }
    const paint = (under, layer) => layer.flatMap((c) => under.map((u) => over(c, u)));
    return layers.reverse().reduce(paint, [[255, 255, 255, 1]]);
}
const found = [];
for (const node of page.querySelectorAll("*")) {
    if (!seen(node) || node.disabled || node.closest(":disabled")) continue;
    const words = [...node.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim());
    const field = node.matches("textarea, select, input:not([type=checkbox], [type=radio], [type=range], [type=file])");
    if (!words && !field) continue;
    const style = getComputedStyle(node);
    const empty = field && !node.value && node.placeholder;
    const colour = rgba(empty ? getComputedStyle(node, "::placeholder").color : style.color);
    const size = parseFloat(style.fontSize);
    const least = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700) ? 3 : 4.5;
    const worst = Math.min(...behind(node).map((b) => ratio(over(colour, b), b)));
    if (worst < least) found.push(worst.toFixed(2) + " " + name(node));
}
return found;
"""
_CROSSED = """
const found = [];
const all = [...page.querySelectorAll("button, a[href], input, select, textarea, summary")]
    .filter((n) => seen(n) && !n.closest(".mv-stage, .mv-takes-long")).map((n) => [n, n.getBoundingClientRect()]);
all.forEach(([n, a], i) => all.slice(i + 1, i + 25).forEach(([m, b]) => {
    const x = Math.min(a.right, b.right) - Math.max(a.left, b.left);
    const y = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
    if (x > 1 && y > 1 && !n.contains(m) && !m.contains(n)) found.push(name(n) + " and " + name(m));
}));
return found;
"""
_DULL = """
const found = [];
for (const node of page.querySelectorAll(".mv input, .mv select")) {
    const style = getComputedStyle(node);
    const state = node.matches("[type=checkbox], [type=radio]");
    if (state && style.appearance === "none") found.push("no mark when chosen: " + name(node));
    if (node.matches("select") && style.appearance === "none" && style.backgroundImage === "none") {
        found.push("a list like a text box: " + name(node));
    }
}
const lines = ".mv-toolbar, .mv-history, .mv-base-row, .mv-take-buttons, .mv-still-buttons, .mv-zoom";
for (const line of page.querySelectorAll(lines)) {
    const heights = [];
    for (const button of [...line.children].filter((n) => n.matches("button") && seen(n))) {
        const box = button.getBoundingClientRect();
        const middle = box.top + box.height / 2;
        const near = heights.find((y) => Math.abs(y - middle) < 12);
        if (near === undefined) heights.push(middle);
        else if (Math.abs(near - middle) > 1) found.push("not level: " + name(line));
    }
}
return found;
"""


def _asked(tab: Tab, script: str) -> list[str]:
    found: list[str] = tab.page.evaluate("() => {" + _COMMON + script + "}")
    return found


def pale(tab: Tab) -> list[str]:
    """Words with too little contrast to what is behind them."""
    return _asked(tab, _PALE)


def crossed(tab: Tab) -> list[str]:
    """Controls that lie over each other; those on the timeline's stage apart, which are meant to."""
    return _asked(tab, _CROSSED)


def dull(tab: Tab) -> list[str]:
    """Boxes that do not show what is chosen, lists that look like text, buttons that are not level."""
    return _asked(tab, _DULL)
