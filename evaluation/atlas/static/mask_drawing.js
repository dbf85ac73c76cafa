"use strict";
/* What a mask is drawn with: unpacked shards, pictures in the colours of the theme, waveforms, an axis of time. */
otoscope.drawing = (() => {
  const { make, svg, isDark, plot } = otoscope;
  const percent = (share, digits = 0) => (share === null || share === undefined ? "–" : `${(100 * share).toFixed(digits)} %`);
  const number = (value, digits = 2) => (value === null || value === undefined ? "–" : value.toFixed(digits));

  /* Places on the axis, of times in seconds. */
  const place = (time, seconds) => `${(100 * time / seconds).toFixed(3)}%`;
  const stretch = (begin, end, seconds) => `left:${place(begin, seconds)};width:${place(Math.max(end - begin, 0), seconds)}`;

  /* ---- what stands in the shards ---- */
  const bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  function unpacked(text, count) {
    const packed = bytes(text);
    return Uint8Array.from({ length: count }, (_, i) => (packed[i >> 3] >> (7 - (i & 7))) & 1);
  }
  function open(arrays, inputs) {
    if (!arrays) return null;
    const count = arrays.frames * arrays.bands;
    const kept = Object.fromEntries(Object.entries(arrays.kept).map(([name, text]) => [name, unpacked(text, count)]));
    return { ...arrays, count, kept, pixels: bytes(inputs[arrays.input]), shots: arrays.snapshots.map((text) => unpacked(text, count)) };
  }

  /* ---- pictures ---- */
  const rgb = (hex) => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
  function colours() {
    const dark = isDark();
    return {
      zero: rgb(dark ? "#1c1e25" : "#ffffff"), above: rgb(dark ? "#ff9270" : "#b2182b"), below: rgb(dark ? "#63b1ff" : "#1f5fae"),
      kept: rgb(dark ? "#f2f2f5" : "#1d1f24"), out: rgb(dark ? "#1c1e25" : "#ffffff"),
    };
  }
  /* Colours of the 256 levels: none at the mean, the deepest at the 99th percentile. */
  function scale({ low, high, level }) {
    const { zero, above, below } = colours();
    return Array.from({ length: 256 }, (_, i) => {
      const value = (low + (high - low) * i / 255) / level;
      const size = Math.min(Math.abs(value), 1);
      const end = value < 0 ? below : above;
      return zero.map((part, c) => Math.round(part + (end[c] - part) * size));
    });
  }
  function paint(canvas, { frames, bands }, colour) {
    const picture = new ImageData(frames, bands);
    for (let frame = 0; frame < frames; frame++) {
      for (let band = 0; band < bands; band++) {
        const to = 4 * ((bands - 1 - band) * frames + frame);
        const [r, g, b] = colour(frame * bands + band);
        picture.data[to] = r; picture.data[to + 1] = g; picture.data[to + 2] = b; picture.data[to + 3] = 255;
      }
    }
    canvas.getContext("2d").putImageData(picture, 0, 0);
  }

  /* ---- over time ---- */
  /* Words lie on two lines in turn, so that each has the room of two. */
  function words(said, seconds) {
    return said.map(({ label, start_s, end_s }, at) => make("span", { class: `word line${at % 2}`, title: `${label}, ${start_s.toFixed(2)} to ${end_s.toFixed(2)} s`,
      style: stretch(start_s, at + 2 < said.length ? said[at + 2].start_s : seconds, seconds) }, label));
  }
  function axis(seconds) {
    const step = [0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60].find((size) => seconds / size <= 9) || 120;
    return Array.from({ length: Math.floor(seconds / step) + 1 }, (_, i) => make("span", { class: "tick", style: `left:${place(i * step, seconds)}` }, `${+(i * step).toFixed(1)}${i ? "" : " s"}`));
  }
  function wave(outline, kind) {
    const low = new Int8Array(bytes(outline.low).buffer);
    const high = new Int8Array(bytes(outline.high).buffer);
    const top = Array.from(high, (value, i) => `${i ? "L" : "M"}${i + 0.5} ${(127 - value)}`);
    const bottom = Array.from(low, (value, i) => `L${i + 0.5} ${(127.6 - value)}`).reverse();
    return [svg("path", { d: `${top.join("")}${bottom.join("")}Z`, class: kind }), low.length];
  }
  function waveform(sound, natural) {
    const [path, width] = wave(sound.outline, "wave");
    const gone = sound.name.startsWith("muted") && natural && natural.outline ? wave(natural.outline, "gone")[0] : null;
    return svg("svg", { viewBox: `0 0 ${width} 255`, preserveAspectRatio: "none", "aria-hidden": "true" }, gone, path);
  }

  /* ---- tables and curves ---- */
  function controls(rows, names) {
    const head = ["mask", "kept", "frames preserved", "transcript", "insertion", "deletion", "what it says then"];
    const numeric = (at) => at > 0 && at < 6 && at !== 3;
    return [
      make("thead", {}, make("tr", {}, ...head.map((text, at) => make("th", { scope: "col", class: numeric(at) ? "right" : null }, text)))),
      make("tbody", {}, ...rows.map((row) => make("tr", { "data-mask": row.mask },
        ...[names[row.mask] || row.mask, percent(row.share_kept, 1), `${percent(row.frames_preserved)} of ${row.frames ?? "–"}`,
          row.transcript_preserved === 1 ? "the same" : "another", number(row.insertion_area), number(row.deletion_area), row.text || "nothing"]
          .map((text, at) => make("td", { class: numeric(at) ? "right" : at === 3 && row.transcript_preserved !== 1 ? "bad" : null }, text))))),
    ];
  }
  function charts(box, figures, what) {
    const ways = Object.entries(figures || {});
    box.replaceChildren(...ways.map(([way, figure]) => {
      const div = make("div", { class: "plot", role: "img", "aria-label": `${way} curves of ${what}: frames that keep their class` });
      const chart = make("figure", {}, make("figcaption", {}, way[0].toUpperCase() + way.slice(1)), div);
      queueMicrotask(() => plot(div, figure));
      return chart;
    }));
  }

  return { percent, number, controls, charts, stretch, open, colours, scale, paint, words, axis, waveform };
})();
