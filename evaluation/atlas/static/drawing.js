"use strict";
/* Small drawings in SVG: a curve over depth, a number on a scale, a histogram. */
const drawing = (() => {
  const { svg } = otoscope;
  const tinted = ([light, dark]) => `--light:${light};--dark:${dark}`;

  /* Round numbers between two ends, about `count` of them. */
  function ticks(low, high, count = 3) {
    const rough = (high - low) / count;
    if (!(rough > 0)) return [low];
    const power = 10 ** Math.floor(Math.log10(rough));
    const step = [1, 2, 5, 10].map((factor) => factor * power).find((value) => value >= rough);
    const found = [];
    for (let at = Math.ceil(low / step - 1e-9) * step; at <= high + 1e-9 * step; at += step) found.push(Number(at.toPrecision(12)));
    return found;
  }

  /* A curve over depth. `points`, `control`: {name, depth, values: [mean, low, high]}; `references`: {name: mean};
     `now`: the name of the layer that is marked; `choose(name)` is called where one is clicked. */
  function curve({ points, control, references, range, now, colour, spell, label, choose }) {
    const [left, right, top, bottom, width, height] = [36, 292, 12, 124, 300, 146];
    const depths = [...points, ...control].map((point) => point.depth);
    const [first, last] = [Math.min(...depths), Math.max(...depths)];
    const x = (depth) => (last > first ? left + 8 + (right - left - 16) * (depth - first) / (last - first) : (left + right) / 2);
    const y = (value) => bottom - (bottom - top) * (value - range[0]) / (range[1] - range[0] || 1);
    const known = (list) => list.filter((point) => point.values[0] !== null);
    const path = (list) => list.map((point) => `${x(point.depth).toFixed(1)},${y(point.values[0]).toFixed(1)}`).join(" ");
    const parts = [svg("title", {}, label)];
    for (const at of ticks(range[0], range[1])) {
      parts.push(svg("line", { class: "axis", x1: left, x2: right, y1: y(at), y2: y(at) }));
      parts.push(svg("text", { x: left - 6, y: y(at) + 4, "text-anchor": "end" }, String(at)));
    }
    for (const [name, value] of Object.entries(references)) {
      if (value !== null) parts.push(svg("line", { class: `reference ${name}`, x1: left, x2: right, y1: y(value), y2: y(value) }));
    }
    const banded = points.filter((point) => point.values[1] !== null && point.values[2] !== null);
    if (banded.length > 1) {
      const edge = (list, at) => list.map((point) => `${x(point.depth).toFixed(1)},${y(point.values[at]).toFixed(1)}`);
      parts.push(svg("polygon", { class: "band", points: [...edge(banded, 1), ...edge([...banded].reverse(), 2)].join(" ") }));
    }
    parts.push(svg("polyline", { class: "control", points: path(known(control)) }));
    const marked = points.find((point) => point.name === now);
    if (marked) parts.push(svg("line", { class: "here", x1: x(marked.depth), x2: x(marked.depth), y1: top - 6, y2: bottom }));
    parts.push(svg("polyline", { class: "own", points: path(known(points)) }));
    for (const point of known(points)) {
      const chosen = point === marked;
      if (chosen && point.values[1] !== null && point.values[2] !== null) parts.push(svg("line", { class: "whisker", x1: x(point.depth), x2: x(point.depth), y1: y(point.values[1]), y2: y(point.values[2]) }));
      if (chosen || points.length <= 20) parts.push(svg("circle", { class: chosen ? "at now" : "at", cx: x(point.depth), cy: y(point.values[0]), r: chosen ? 6 : 2.6 }));
    }
    if (marked) {
      const place = x(marked.depth);
      const anchor = place < 90 ? "start" : place > 240 ? "end" : "middle";
      parts.push(svg("text", { x: anchor === "start" ? Math.max(place - 8, left) : anchor === "end" ? Math.min(place + 8, right) : place, y: height - 6, "text-anchor": anchor, "font-weight": 600 }, now));
    }
    const gap = last > first ? (right - left - 16) / (last - first) : right - left;
    for (const point of points) {
      const hit = svg("rect", { class: "hit", x: x(point.depth) - gap / 2, width: gap, y: top - 6, height: bottom - top + 10 }, svg("title", {}, `${point.name}: ${spell(point.values[0])}`));
      hit.addEventListener("click", () => choose(point.name));
      parts.push(hit);
    }
    return svg("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": label, style: tinted(colour) }, ...parts);
  }

  /* What a number is compared with: a ring for the control, a line for anything else. */
  const mark = (kind, x, y, half) => (kind === "control"
    ? svg("circle", { class: "mark control", cx: x, cy: y, r: 4.5 })
    : svg("line", { class: `mark ${kind}`, x1: x, x2: x, y1: y - half, y2: y + half }));

  /* A number with its interval on a scale from `from` to `to`, beside others: {at, kind}. */
  function gauge({ value, low, high, marks = [], from = 0, to, colour }) {
    const place = (at) => `${(100 * Math.min(Math.max((at - from) / (to - from || 1), 0), 1)).toFixed(2)}%`;
    const known = (at) => at !== null && at !== undefined;
    const parts = [svg("line", { class: "track", x1: "0%", x2: "100%", y1: 11, y2: 11 })];
    if (known(low) && known(high)) parts.push(svg("line", { class: "whisker", x1: place(low), x2: place(high), y1: 11, y2: 11, "stroke-width": 4, opacity: 0.5 }));
    for (const { at, kind } of marks) if (known(at)) parts.push(mark(kind, place(at), 11, 9));
    if (known(value)) parts.push(svg("circle", { class: "at", cx: place(value), cy: 11, r: 5 }));
    return svg("svg", { "aria-hidden": "true", style: tinted(colour) }, ...parts);
  }

  /* The numbers that gauges from `from` to `to` are read by; ends hold their texts inside. */
  function ruler({ from = 0, to, spell = String }) {
    const found = ticks(from, to, 4);
    return svg("svg", { class: "ruler", "aria-hidden": "true" }, ...found.flatMap((at) => {
      const share = (at - from) / (to - from || 1);
      const x = `${(100 * share).toFixed(2)}%`;
      return [svg("line", { class: "axis", x1: x, x2: x, y1: 0, y2: 4 }), svg("text", { x, y: 15, "text-anchor": share < 0.06 ? "start" : share > 0.94 ? "end" : "middle" }, spell(at))];
    }));
  }

  /* Bars of equal width from 0 to 1, and where the mean is. */
  function histogram({ counts, mean, colour, label }) {
    const [width, height, left, bottom] = [400, 124, 30, 102];
    const most = Math.max(...counts, 1);
    const bar = (width - left - 8) / counts.length;
    const parts = [svg("title", {}, label)];
    for (const at of ticks(0, most, 3).filter(Number.isInteger)) {
      const y = bottom - (bottom - 10) * at / most;
      parts.push(svg("line", { class: "axis", x1: left, x2: width - 8, y1: y, y2: y }), svg("text", { x: left - 6, y: y + 4, "text-anchor": "end" }, String(at)));
    }
    counts.forEach((count, i) => {
      const tall = (bottom - 10) * count / most;
      parts.push(svg("rect", { x: left + i * bar + 1, width: bar - 2, y: bottom - tall, height: tall }, svg("title", {}, `${(i / counts.length).toFixed(2)} to ${((i + 1) / counts.length).toFixed(2)}: ${count}`)));
    });
    for (const at of [0, 0.25, 0.5, 0.75, 1]) parts.push(svg("text", { x: left + at * (width - left - 8), y: height - 6, "text-anchor": "middle" }, String(at)));
    if (mean !== null) {
      const x = left + mean * (width - left - 8);
      parts.push(svg("line", { class: "mean", x1: x, x2: x, y1: 4, y2: bottom }));
    }
    return svg("svg", { class: "histogram", viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": label, style: tinted(colour) }, ...parts);
  }

  return { curve, gauge, histogram, mark, ruler };
})();
