"use strict";
/* Small drawings of one feature: activation over time with what is said, how an audiation came about. */
otoscope.featureDrawings = (() => {
  const { make, svg, player } = otoscope;
  const { figure, starts } = otoscope.features;
  const LEFT = 44;
  const RIGHT = 8;

  /* Draws once there is room, and again when the room changes. */
  function sized(box, draw) {
    let drawn = 0;
    const watcher = new ResizeObserver(() => {
      const width = Math.floor(box.clientWidth);
      if (!box.isConnected || !width || width === drawn) return;
      drawn = width;
      box.replaceChildren(draw(width));
    });
    watcher.observe(box);
    return box;
  }

  /* ---- activation over time ---- */
  /* The trace of a feature; null where there is none. */
  function traceOf(shard, feature) {
    const count = shard.count[feature];
    if (!count) return null;
    if (!shard.starts) shard.starts = starts(shard.count);
    const bytes = shard.values.subarray(shard.starts[feature], shard.starts[feature] + count);
    const [low, high] = [shard.low[feature], shard.high[feature]];
    const from = shard.first[feature];
    const whose = shard.utterance.ids[feature];
    return {
      low, high, from, to: from + (count - 1) * shard.stride_s, step: shard.stride_s, bytes,
      utterance: shard.utterance.names[whose],
      tiers: shard.spoken.map((tier) => {
        if (!tier.starts) tier.starts = starts(tier.lengths);
        const items = [];
        for (let i = tier.starts[whose]; i < tier.starts[whose + 1]; i += 1) items.push({ label: tier.names[tier.ids[i]], start: tier.start[i] / 1000, end: tier.end[i] / 1000 });
        return { tier: tier.tier, items };
      }),
    };
  }

  const TALL = 130;
  const ROW = 20;

  function trace(found, segment) {
    const box = make("div", { class: "trace" });
    const said = found.tiers.map(({ tier, items }) => `${tier}s: ${items.filter((item) => item.end > found.from && item.start < found.to).map((item) => item.label).join(" ")}`);
    sized(box, (width) => {
      const span = Math.max(found.to - found.from, found.step);
      const x = (seconds) => LEFT + ((seconds - found.from) / span) * (width - LEFT - RIGHT);
      const inside = (seconds) => Math.min(width - RIGHT, Math.max(LEFT, x(seconds)));
      const y = (byte) => 6 + (1 - byte / 255) * (TALL - 12);
      const drawing = svg("svg", { width, height: TALL + ROW * found.tiers.length + 22, role: "img", "aria-label": `Activation over time in ${found.utterance}, from ${figure(found.low)} to ${figure(found.high)}; ${said.join("; ")}` });
      if (segment) drawing.append(svg("rect", { class: "best", x: inside(segment.start), width: Math.max(1, inside(segment.end) - inside(segment.start)), y: 0, height: TALL }));
      for (const [byte, value] of [[255, found.high], [0, found.low]]) {
        drawing.append(svg("line", { class: "grid", x1: LEFT, x2: width - RIGHT, y1: y(byte), y2: y(byte) }), svg("text", { class: "axis", x: LEFT - 6, y: y(byte) + 4, "text-anchor": "end" }, figure(value, 2)));
      }
      const points = Array.from(found.bytes, (byte, i) => `${x(found.from + i * found.step).toFixed(1)},${y(byte).toFixed(1)}`);
      drawing.append(svg("polyline", { class: "curve", points: points.join(" ") }));
      found.tiers.forEach(({ items }, row) => drawing.append(spoken(items, TALL + ROW * row, inside)));
      drawing.append(times(found, x, TALL + ROW * found.tiers.length + 15, width));
      const cursor = svg("line", { class: "cursor", y1: 0, y2: TALL + ROW * found.tiers.length, visibility: "hidden" });
      drawing.append(cursor);
      if (segment && segment.sound) follow(box, cursor, segment, inside);
      return drawing;
    });
    return box;
  }

  function spoken(items, top, inside) {
    const row = svg("g", { class: "spoken" });
    for (const item of items) {
      const [left, right] = [inside(item.start), inside(item.end)];
      if (right - left < 1) continue;
      row.append(svg("rect", { x: left + 0.5, y: top + 1, width: right - left - 1, height: ROW - 2, rx: 3 }));
      if (right - left > 7 * item.label.length * 0.9 + 2) row.append(svg("text", { x: (left + right) / 2, y: top + 14, "text-anchor": "middle" }, item.label));
    }
    return row;
  }

  function times(found, x, y, width) {
    const row = svg("g", { class: "axis" });
    const span = found.to - found.from;
    const step = [0.1, 0.2, 0.5, 1, 2, 5, 10].find((size) => (span / size) * 48 < width - LEFT) || 20;
    for (let at = Math.ceil(found.from / step) * step; at <= found.to; at += step) row.append(svg("text", { x: x(at), y, "text-anchor": "middle" }, `${Number(at.toFixed(1))} s`));
    return row;
  }

  /* A line that runs while the segment plays. */
  const cursors = new Map();
  function follow(box, cursor, segment, inside) {
    cursors.set(box, { cursor, segment, inside });
    for (const other of cursors.keys()) if (!other.isConnected && other !== box) cursors.delete(other);
  }
  function run() {
    let on = false;
    const playing = player.playing();
    for (const [box, { cursor, segment, inside }] of cursors) {
      if (!box.isConnected) continue;
      const mine = playing && player.audio.src === new URL(segment.sound, location.href).href;
      cursor.setAttribute("visibility", mine ? "visible" : "hidden");
      if (!mine) continue;
      on = true;
      const at = inside(Math.min(segment.end, segment.start + player.time()));
      cursor.setAttribute("x1", at);
      cursor.setAttribute("x2", at);
    }
    if (on) requestAnimationFrame(run);
  }
  player.audio.addEventListener("playing", run);
  for (const kind of ["pause", "ended", "emptied"]) player.audio.addEventListener(kind, run);

  /* ---- how an audiation came about ---- */
  function evolution(steps, strongest, reached) {
    const box = make("div", { class: "evolution" });
    const values = [...steps.map(([, value]) => value), ...[strongest, reached].filter((value) => value !== null)];
    const [low, high] = [Math.min(...values), Math.max(...values)];
    const last = steps.at(-1)[0] || 1;
    return sized(box, (width) => {
      const x = (step) => LEFT + (step / last) * (width - LEFT - RIGHT - 6);
      const y = (value) => 8 + (1 - (value - low) / (high - low || 1)) * 92;
      const label = `Activation over ${last} steps, from ${figure(steps[0][1])} to ${figure(steps.at(-1)[1])}${strongest === null ? "" : `; the strongest segment of the corpus has ${figure(strongest)}`}`;
      const drawing = svg("svg", { width, height: 124, role: "img", "aria-label": label });
      if (strongest !== null) drawing.append(svg("line", { class: "bar", x1: LEFT, x2: width - RIGHT, y1: y(strongest), y2: y(strongest) }), svg("text", { class: "axis", x: width - RIGHT, y: y(strongest) + (y(strongest) > 24 ? -5 : 14), "text-anchor": "end" }, "strongest segment"));
      drawing.append(svg("polyline", { class: "curve", points: steps.map(([step, value]) => `${x(step).toFixed(1)},${y(value).toFixed(1)}`).join(" ") }));
      if (reached !== null) drawing.append(svg("circle", { class: "dot", cx: x(last), cy: y(reached), r: 3.5 }));
      for (const value of [low, high]) drawing.append(svg("text", { class: "axis", x: LEFT - 6, y: y(value) + 4, "text-anchor": "end" }, figure(value, 2)));
      drawing.append(svg("text", { class: "axis", x: LEFT, y: 118 }, "step 0"), svg("text", { class: "axis", x: width - RIGHT, y: 118, "text-anchor": "end" }, `step ${last}`));
      return drawing;
    });
  }

  return { traceOf, trace, evolution };
})();
