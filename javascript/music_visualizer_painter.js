// What the timeline paints on canvas: only the visible stretch, columns of one device pixel, so that an hour of music
// with thousands of beats is as quick as a minute.
(function (mv) {
    "use strict";
    const parts = (mv.parts = mv.parts || {});

    const painter = (parts.painter = {
        // A canvas of that CSS size in device pixels, cleared; one unit is one CSS pixel.
        prepare(canvas, width, height) {
            const scale = Math.min(3, window.devicePixelRatio || 1);
            const columns = Math.round(width * scale);
            const rows = Math.round(height * scale);
            if (canvas.width !== columns || canvas.height !== rows) {
                canvas.width = columns;
                canvas.height = rows;
                canvas.style.width = width + "px";
                canvas.style.height = height + "px";
            }
            const pen = canvas.getContext("2d");
            pen.setTransform(scale, 0, 0, scale, 0, 0);
            pen.clearRect(0, 0, width, height);
            return pen;
        },

        // The theme's colours, read from the style sheet.
        colours(box) {
            const style = window.getComputedStyle(box);
            const read = (name, otherwise) => style.getPropertyValue(name).trim() || otherwise;
            return {
                text: read("--mv-text", "#1f2937"),
                quiet: read("--mv-quiet", "#5b6472"),
                grid: read("--mv-grid", "#e5e7eb"),
                energy: read("--mv-energy", "#111827"),
                accent: read("--mv-accent", "#ea580c"),
                font: style.fontFamily || "sans-serif",
            };
        },

        stage(line) {
            const pen = this.prepare(line.canvas, line.width, line.height);
            const colours = this.colours(line.box);
            this.ruler(pen, line, colours);
            this.tints(pen, line);
            this.wave(pen, line);
            this.energy(pen, line, colours);
            this.beats(pen, line, colours);
            line.data.series.forEach((lane, i) => this.lane(pen, line, colours, lane, i));
            this.hits(pen, line, colours);
        },

        ruler(pen, line, colours) {
            const {clock} = mv.core;
            const {RULER, STEPS} = line.constants;
            const perSecond = line.width / (line.t1 - line.t0);
            const step = STEPS.find((seconds) => seconds * perSecond >= 72) || STEPS[STEPS.length - 1];
            pen.font = "11px " + colours.font;
            pen.textBaseline = "middle";
            for (let k = Math.ceil(line.t0 / step); k * step <= line.t1; k++) {
                const x = Math.round(line.x(k * step)) + 0.5;
                pen.fillStyle = colours.grid;
                pen.fillRect(x - 0.5, 4, 1, line.height - 4);
                pen.fillStyle = colours.quiet;
                if (x < line.width - 30) pen.fillText(clock(k * step, step < 1 ? 1 : 0), x + 4, RULER / 2);
            }
        },

        tints(pen, line) {
            const {WAVE_TOP, WAVE} = line.constants;
            for (const section of line.sections()) {
                const left = Math.max(0, line.x(section.start));
                const right = Math.min(line.width, line.x(section.end));
                if (right <= left) continue;
                pen.fillStyle = line.tint(line.hue(section.color), mv.core.isDark() ? 0.12 : 0.07);
                pen.fillRect(left, WAVE_TOP, right - left, WAVE);
            }
        },

        wave(pen, line) {
            const {WAVE_TOP, WAVE} = line.constants;
            const step = 1 / Math.min(3, window.devicePixelRatio || 1);
            for (const section of line.sections()) {
                const left = Math.max(0, line.x(section.start));
                const right = Math.min(line.width, line.x(section.end));
                pen.fillStyle = line.hue(section.color);
                this.columns(pen, line.data.wave, (x) => line.t(x), left, right, step, WAVE_TOP + WAVE / 2, WAVE / 2 - 4);
            }
        },

        // The envelope between two places as upright bars; extremes of the points under each, or between two points.
        columns(pen, wave, timeAt, left, right, step, middle, half) {
            if (!wave.rate || !wave.max.length) return;
            pen.beginPath();
            for (let x = Math.floor(left / step) * step; x < right; x += step) {
                const [low, high] = extremes(wave, timeAt(x) * wave.rate, timeAt(x + step) * wave.rate);
                const top = middle - (high / 100) * half;
                const bottom = middle - (low / 100) * half;
                pen.rect(x, top, step, Math.max(0.75, bottom - top));
            }
            pen.fill();
        },

        energy(pen, line, colours) {
            const {WAVE_TOP, WAVE} = line.constants;
            const {rate, values} = line.data.energy;
            pen.globalAlpha = 0.75;
            this.curve(pen, line, values, rate, 0, WAVE_TOP + 2, WAVE - 4, colours.energy, 1.25);
            pen.globalAlpha = 1;
        },

        // A curve of values 0..100 into a box of that top and height.
        curve(pen, line, values, rate, start, top, height, colour, thickness) {
            if (!rate || !values.length) return;
            const perPixel = ((line.t1 - line.t0) / line.width) * rate;
            const stride = Math.max(1, Math.floor(perPixel)); // a pixel shows the least and the most under it
            const first = Math.max(0, (Math.floor((line.t0 - start) * rate / stride) - 1) * stride);
            const last = Math.min(values.length - 1, Math.ceil((line.t1 - start) * rate) + stride);
            pen.strokeStyle = colour;
            pen.lineWidth = thickness;
            pen.lineJoin = "round";
            pen.beginPath();
            for (let i = first; i <= last; i += stride) {
                let low = values[i];
                let high = low;
                for (let k = i + 1; k < Math.min(i + stride, values.length); k++) {
                    if (values[k] < low) low = values[k];
                    else if (values[k] > high) high = values[k];
                }
                const x = line.x(start + i / rate);
                pen.lineTo(x, top + height * (1 - high / 100));
                if (low < high) pen.lineTo(x, top + height * (1 - low / 100));
            }
            pen.stroke();
        },

        beats(pen, line, colours) {
            const {WAVE_TOP, WAVE, BEATS_TOP, BEATS} = line.constants;
            const {beats, positions} = line.data;
            const first = mv.core.firstFrom(beats, line.t0);
            const last = mv.core.firstFrom(beats, line.t1);
            const gap = line.width / Math.max(1, last - first);
            const bar = gap * 4;
            if (bar < 4) return this.hint(pen, line, colours, last > first);
            for (let i = first; i < last; i++) {
                const down = positions[i] === 1;
                if (!down && gap < 4) continue;
                const x = Math.round(line.x(beats[i]));
                if (down && bar >= 16) {
                    pen.fillStyle = colours.text;
                    pen.globalAlpha = 0.14;
                    pen.fillRect(x, WAVE_TOP, 1, WAVE);
                    pen.globalAlpha = 1;
                }
                pen.fillStyle = down ? colours.text : colours.quiet;
                pen.fillRect(x, BEATS_TOP, down && gap >= 4 ? 2 : 1, down ? BEATS : BEATS / 2);
            }
        },

        hint(pen, line, colours, some) {
            const {BEATS_TOP, BEATS} = line.constants;
            if (!some) return;
            pen.fillStyle = colours.quiet;
            pen.font = "11px " + colours.font;
            pen.fillText("zoom in to see the beats", 4, BEATS_TOP + BEATS / 2);
        },

        lane(pen, line, colours, lane, i) {
            const {LANES_TOP, LANE} = line.constants;
            const top = LANES_TOP + i * LANE;
            pen.fillStyle = colours.grid;
            pen.fillRect(0, top + LANE - 3, line.width, 1);
            this.curve(pen, line, lane.values, line.data.rate, line.data.start, top + 17, LANE - 23, colours.accent, 1.5);
        },

        hits(pen, line, colours) {
            const {LANES_TOP, LANE, HITS} = line.constants;
            const {hits, series} = line.data;
            const middle = LANES_TOP + series.length * LANE + HITS / 2;
            const first = mv.core.firstFrom(hits, line.t0);
            const last = mv.core.firstFrom(hits, line.t1);
            const size = Math.min(4, Math.max(1, line.width / Math.max(1, last - first) / 3));
            pen.fillStyle = colours.accent;
            pen.beginPath();
            for (let i = first; i < last; i++) {
                const x = line.x(hits[i]);
                pen.moveTo(x, middle - size);
                pen.lineTo(x + size, middle);
                pen.lineTo(x, middle + size);
                pen.lineTo(x - size, middle);
            }
            pen.fill();
        },

        // The whole song, small; painted only when it changed.
        strip(line) {
            const {STRIP} = line.constants;
            const {strip, width, data} = line;
            const scale = width / data.duration;
            strip.pane.style.left = line.t0 * scale + "px";
            strip.pane.style.width = Math.max(4, (line.t1 - line.t0) * scale) + "px";
            strip.node.classList.toggle("mv-strip-whole", line.whole());
            const key = [width, mv.core.isDark(), window.devicePixelRatio].join();
            if (!strip.dirty && strip.key === key && !line.override) return;
            strip.dirty = Boolean(line.override);
            strip.key = key;
            const pen = this.prepare(strip.canvas, width, STRIP);
            for (const section of line.sections()) {
                pen.fillStyle = line.hue(section.color);
                this.columns(pen, data.wave, (x) => x / scale, section.start * scale, section.end * scale, 1, STRIP / 2, STRIP / 2 - 4);
            }
        },
    });
    void painter;

    function extremes(wave, from, to) {
        const {min, max} = wave;
        const first = Math.min(max.length - 1, Math.floor(from));
        const last = Math.min(max.length - 1, Math.ceil(to) - 1);
        if (last <= first) {
            const next = Math.min(max.length - 1, first + 1);
            const share = Math.min(1, from - first);
            return [min[first] + share * (min[next] - min[first]), max[first] + share * (max[next] - max[first])];
        }
        let low = min[first];
        let high = max[first];
        for (let i = first + 1; i <= last; i++) {
            if (min[i] < low) low = min[i];
            if (max[i] > high) high = max[i];
        }
        return [low, high];
    }
})((window.musicVisualizer = window.musicVisualizer || {}));
