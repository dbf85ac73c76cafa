"use strict";
/* The cells and the colours of the map of all features; which of them is meant is heat_map.js's. */
otoscope.heatMapDrawing = (() => {
  const { make, unitName } = otoscope;
  const { percent } = otoscope.features;
  const GAP_FROM = 7; // pixels of a cell that can spare one

  function shade(map, i) {
    const value = map.value[i];
    if (map.dead[i] || Number.isNaN(value)) return map.grey;
    const count = map.shades.length;
    return map.shades[Math.max(0, Math.min(count - 1, Math.floor((value / map.top) * count)))];
  }

  /* All columns; `first`: where each begins in the map; `chosen`, `cursor`: {layer, at} or null. */
  function drawCells(canvas, { map, first, size, chosen, cursor }) {
    const pen = canvas.getContext("2d");
    const dots = canvas.width / Math.max(size.width, 1);
    pen.clearRect(0, 0, canvas.width, canvas.height);
    const { height } = canvas;
    for (let layer = 0; layer < map.layers.length; layer += 1) {
      const count = map.layers[layer].features;
      if (!count) continue;
      const left = Math.round(layer * size.step * dots);
      const width = Math.round(size.step * dots) - Math.round(dots);
      const gap = height / count >= GAP_FROM * dots ? Math.round(dots) : 0;
      if (gap) {
        for (let at = 0; at < count; at += 1) {
          const top = Math.round(height * (1 - (at + 1) / count));
          pen.fillStyle = shade(map, first[layer] + map.order[first[layer] + at]);
          pen.fillRect(left, top, width, Math.round(height * (1 - at / count)) - top - gap);
        }
      } else {
        column(pen, { map, begins: first[layer], count, left, width, height });
      }
    }
    const around = ({ layer, at }, thick) => outline(pen, { left: layer * size.step * dots, width: size.step * dots - dots, at, count: map.layers[layer].features, height }, thick, dots);
    if (chosen) around(chosen, 1.5);
    if (cursor) around(cursor, 3);
  }

  /* One column whose cells are thinner than pixels: as in the still figure, the cell in the middle. */
  function column(pen, { map, begins, count, left, width, height }) {
    let begun = 0;
    let colour = null;
    for (let row = 0; row <= height; row += 1) {
      const at = Math.min(count - 1, Math.floor(((row + 0.5) * count) / height));
      const next = row < height ? shade(map, begins + map.order[begins + at]) : null;
      if (next === colour) continue;
      if (colour) {
        pen.fillStyle = colour;
        pen.fillRect(left, height - row, width, row - begun);
      }
      begun = row;
      colour = next;
    }
  }

  /* Black on white, which stands out from every shade. */
  function outline(pen, { left, width, at, count, height }, thick, dots) {
    const middle = height * (1 - (at + 0.5) / count);
    const tall = Math.max(height / count, 6 * dots);
    const edge = thick * dots;
    const top = Math.max(edge, Math.min(height - tall - edge, middle - tall / 2));
    for (const [colour, line] of [["#ffffff", 2 * edge], ["#000000", edge]]) {
      pen.lineWidth = line;
      pen.strokeStyle = colour;
      pen.strokeRect(left + edge, top, width - 2 * edge, tall);
    }
  }

  /* What the colours say. */
  function legend(map) {
    const shades = make("span", { class: "shades" }, ...map.shades.map((colour) => make("i", { style: `background:${colour}` })));
    const inner = map.ticks.slice(1, -1).map(([at, text]) => make("span", { style: `left:${100 * at}%` }, text));
    const base = map.by === "share" ? (map.bases.sex || {}).male : undefined;
    const mark = base === undefined ? "" : make("i", { class: "base", style: `left:${100 * base}%` });
    const bar = make("span", { class: "bar" }, shades, mark, make("span", { class: "ticks" }, ...inner));
    const [[, low], [, high]] = [map.ticks[0], map.ticks.at(-1)];
    const title = map.by === "share"
      ? `who speaks a feature’s strongest ${unitName(map.unit)}${mark && `; the black mark: ${percent(base)} of the speakers are men`}`
      : "density: share of the time in which a feature is active (the sexes of the speakers are not known)";
    return [make("span", { class: "ramp" }, make("span", {}, low), bar, make("span", {}, high)), map.dead.some(Boolean) ? make("span", { class: "grey" }, make("i", { style: `background:${map.grey}` }), "dead") : "", make("span", {}, title)];
  }

  return { drawCells, legend };
})();
