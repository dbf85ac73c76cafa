"use strict";
/* The map of all features: a canvas of our own, for a network has tens of thousands of cells. */
otoscope.heatMap = (() => {
  const { $, make, player, announce, unitName } = otoscope;
  const { percent, figure, quoted, starts } = otoscope.features;
  const { drawCells, legend } = otoscope.heatMapDrawing;
  const NARROWEST = 16; // pixels of a column
  const REST_MS = 120;
  const FINGER = 16; // pixels around a tap that are the same place

  const canvas = $("cells");
  const tip = $("tip");
  let map = null; // the shard
  let model = "";
  let first = null; // number of the first feature of each layer in the columns of the shard
  let place = null; // where in its column each feature stands
  let cursor = null; // {layer, at}: column, and cell from below
  let tapped = null; // where a finger was
  let chosen = null; // {layer, feature}
  let size = { width: 0, height: 0, step: 0 };
  let opened = () => {};
  let timer = 0;

  const cells = (layer) => map.layers[layer].features;
  const featureAt = ({ layer, at }) => map.order[first[layer] + at];
  const nameOf = (layer, feature) => `${map.layers[layer].name}/${feature}`;

  function show(shard, name) {
    map = shard;
    model = name;
    first = starts(map.layers.map((layer) => layer.features));
    place = new Uint32Array(map.order.length);
    map.layers.forEach((_, layer) => {
      for (let at = 0; at < cells(layer); at += 1) place[first[layer] + map.order[first[layer] + at]] = at;
    });
    cursor = tapped = null;
    chosen = null;
    hide();
    $("legend").replaceChildren(...legend(map));
    $("sorted").textContent = map.by === "share" ? "the men's share" : "density";
    canvas.setAttribute("aria-label", `Heat map of ${map.order.length} features of ${map.layers.length} layers of ${name}, coloured by ${meaning()}`);
    fit();
  }

  const meaning = () => (map.by === "share" ? `the share of their strongest ${unitName(map.unit)} that men speak` : "their density, for the sexes of the speakers are not known");

  /* ---- drawing ---- */
  function fit() {
    if (!map) return;
    const room = $("across").clientWidth;
    const step = Math.max(NARROWEST, room / Math.max(map.layers.length, 1));
    size = { step, width: Math.floor(step * map.layers.length), height: innerWidth < 760 ? 280 : 380 };
    const dots = Math.min(devicePixelRatio || 1, 2);
    canvas.width = size.width * dots;
    canvas.height = size.height * dots;
    canvas.style.width = `${size.width}px`;
    canvas.style.height = `${size.height}px`;
    names();
    draw();
  }

  function names() {
    const longest = Math.max(...map.layers.map((layer) => layer.name.length));
    const flat = size.step >= 8 + 7.2 * longest;
    const row = $("columns");
    row.className = flat ? "columns flat" : "columns";
    row.style.height = flat ? "" : `${10 + Math.min(7.2 * longest, 150)}px`;
    row.style.width = `${size.width}px`;
    row.replaceChildren(...map.layers.map((layer, i) => make("span", { style: `left:${(i + 0.5) * size.step}px`, title: layer.name }, layer.name)));
  }

  function draw() {
    if (map) drawCells(canvas, { map, first, size, chosen: chosen && { layer: chosen.layer, at: place[first[chosen.layer] + chosen.feature] }, cursor });
  }

  /* ---- what a cell says ---- */
  const base = () => (map.bases.sex || {}).male;
  function told(layer, feature) {
    const i = first[layer] + feature;
    const value = map.value[i];
    const parts = [];
    if (map.dead[i]) parts.push("dead");
    else if (Number.isNaN(value)) parts.push(map.by === "share" ? "share unknown" : "density unknown");
    else if (map.by === "share") parts.push(`${percent(value)} by men${base() === undefined ? "" : ` (speakers ${percent(base())})`}`, ...(Number.isNaN(map.q[i]) ? [] : [`q = ${figure(map.q[i], 2)}`]));
    else parts.push(`active ${percent(value, 1)} of the time`);
    const word = map.word.ids ? map.word.names[map.word.ids[i]] : "";
    if (word) parts.push(quoted(word));
    return parts;
  }

  function point(mark, x, y) {
    const feature = featureAt(mark);
    tip.replaceChildren(make("b", {}, nameOf(mark.layer, feature)), ...told(mark.layer, feature).map((text) => make("span", {}, text)));
    tip.hidden = false;
    const box = $("across");
    const left = Math.min(Math.max(x - tip.offsetWidth / 2, box.scrollLeft + 2), box.scrollLeft + box.clientWidth - tip.offsetWidth - 2);
    const above = y - tip.offsetHeight - 14;
    tip.style.left = `${Math.max(left, 0)}px`;
    tip.style.top = `${above >= 0 ? above : Math.min(y + 18, size.height - tip.offsetHeight)}px`;
  }

  function hide() {
    clearTimeout(timer);
    tip.hidden = true;
  }

  function play(mark) {
    const feature = featureAt(mark);
    const i = first[mark.layer] + feature;
    const src = map.sound.at(i);
    if (src) player.play({ src, label: `${model} · ${nameOf(mark.layer, feature)}, its strongest segment` });
  }

  /* ---- pointer ---- */
  function under(event) {
    const box = canvas.getBoundingClientRect();
    const layer = Math.floor((event.clientX - box.left) / size.step);
    if (!map || layer < 0 || layer >= map.layers.length || !cells(layer)) return null;
    const up = 1 - (event.clientY - box.top) / box.height;
    const at = Math.min(cells(layer) - 1, Math.max(0, Math.floor(up * cells(layer))));
    return { layer, at, x: event.clientX - box.left, y: event.clientY - box.top };
  }

  let rested = "";
  canvas.addEventListener("pointermove", (event) => {
    const mark = under(event);
    if (!mark) { hide(); return; }
    point(mark, mark.x, mark.y);
    const name = `${mark.layer}/${mark.at}`;
    if (name === rested || event.pointerType === "touch") return;
    rested = name;
    clearTimeout(timer);
    timer = setTimeout(() => {
      if (!$("hover-plays").checked) return;
      const may = !navigator.userActivation || navigator.userActivation.hasBeenActive;
      $("warm").hidden = may;
      if (may) play(mark);
    }, REST_MS);
  });
  canvas.addEventListener("pointerleave", () => { rested = ""; hide(); });
  let pointer = "";
  addEventListener("pointerdown", (event) => { $("warm").hidden = true; pointer = event.pointerType; });
  canvas.addEventListener("click", (event) => {
    const mark = under(event);
    if (mark && pointer === "touch") tap(mark);
    else if (mark) open(mark);
  });

  /* A finger hears and reads first. Cells are thinner than it: a second tap near the first one means the same. */
  function tap(mark) {
    const again = tapped && tapped.layer === mark.layer && Math.abs(tapped.y - mark.y) < FINGER;
    if (again) { open(cursor); return; }
    tapped = mark;
    cursor = { layer: mark.layer, at: mark.at };
    step();
    play(cursor);
  }

  function open(mark) {
    clearTimeout(timer);
    opened(mark.layer, featureAt(mark));
  }

  /* ---- keys ---- */
  const MOVES = {
    ArrowLeft: (mark) => aside(mark, -1),
    ArrowRight: (mark) => aside(mark, 1),
    ArrowUp: (mark) => along(mark, 1),
    ArrowDown: (mark) => along(mark, -1),
    PageUp: (mark) => along(mark, Math.ceil(cells(mark.layer) / 10)),
    PageDown: (mark) => along(mark, -Math.ceil(cells(mark.layer) / 10)),
    Home: (mark) => aside(mark, -map.layers.length),
    End: (mark) => aside(mark, map.layers.length),
  };
  const along = ({ layer, at }, by) => ({ layer, at: Math.min(cells(layer) - 1, Math.max(0, at + by)) });

  /* To the layer beside it that has features, to the same height. */
  function aside({ layer, at }, by) {
    const share = (at + 0.5) / cells(layer);
    const direction = Math.sign(by);
    let next = Math.min(map.layers.length - 1, Math.max(0, layer + by));
    while (!cells(next)) {
      if (next + direction < 0 || next + direction >= map.layers.length) return { layer, at };
      next += direction;
    }
    return { layer: next, at: Math.floor(share * cells(next)) };
  }

  function begin() {
    if (chosen) return { layer: chosen.layer, at: place[first[chosen.layer] + chosen.feature] };
    const layer = map.layers.findIndex((entry) => entry.features);
    return { layer, at: cells(layer) - 1 };
  }

  function step() {
    draw();
    const x = (cursor.layer + 0.5) * size.step;
    const box = $("across");
    if (x - size.step < box.scrollLeft || x + size.step > box.scrollLeft + box.clientWidth) box.scrollLeft = x - box.clientWidth / 2;
    point(cursor, x, size.height * (1 - (cursor.at + 0.5) / cells(cursor.layer)));
    const feature = featureAt(cursor);
    announce([nameOf(cursor.layer, feature), ...told(cursor.layer, feature)].join(", "));
  }

  canvas.addEventListener("keydown", (event) => {
    if (!map || !map.order.length || event.ctrlKey || event.metaKey || event.altKey) return;
    const move = MOVES[event.key];
    if (move) cursor = cursor ? move(cursor) : begin();
    else if (event.key === "Enter" && cursor) open(cursor);
    else if (event.key === " ") { cursor = cursor || begin(); play(cursor); }
    else return;
    event.preventDefault();
    if (move || event.key === " ") step();
  });
  canvas.addEventListener("blur", () => { cursor = tapped = null; hide(); draw(); });

  /* The feature whose card is open. */
  function mark(layer, feature) {
    chosen = { layer, feature };
    draw();
  }

  new ResizeObserver(() => fit()).observe($("across"));
  otoscope.onTheme(draw);
  return { show, mark, told, onopen: (callback) => { opened = callback; }, nameOf };
})();
