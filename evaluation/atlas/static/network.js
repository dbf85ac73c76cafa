"use strict";
/* The architecture to scale: a box for each layer; arcs show whose states come in beside the one before. */
Promise.all([otoscope.index, otoscope.shard("network")]).then(([index, { blocks }]) => {
  const { $, make, svg, hash, setHash, onHash, link, astray, settle } = otoscope;
  const KINDS = {
    convolution: ["#cfe2f5", "#1f3d5c", "#2a6cb0", "#7db7ee"],
    recurrent: ["#e2d6f3", "#3a2a57", "#7246ad", "#b796ea"],
    "feed-forward": ["#d5ebd3", "#213f20", "#3c7d38", "#86c981"],
    transformer: ["#fbdfc8", "#50301a", "#b4601a", "#f0a262"],
    layer: ["#e6e4df", "#34363d", "#6d6a63", "#a3a6b0"],
  };
  const TALL = 250;
  const LANE = 118;
  const FRAME_MS = 10;
  const RATE = 16; /* samples per ms */
  const models = index.models.filter((model) => model.layers.length);
  const box = $("drawing");
  const state = { model: null, layer: null };
  let tied = [];

  const tint = (kind) => { const [pale, deep, line, lit] = KINDS[kind] || KINDS.layer; return `--pale:${pale};--deep:${deep};--line:${line};--lit:${lit}`; };
  const modelOf = () => models.find((model) => model.name === state.model);
  const ms = (samples) => `${Number((samples / RATE).toFixed(3))} ms`;
  const measured = () => document.querySelector("#scales input:checked").value;
  const nameOf = (name, block) => (name.startsWith(`${block}.`) ? name.slice(block.length + 1) : name);

  function describe(layer) {
    const known = (value) => value !== null && value !== undefined;
    return [layer.kind === "layer" ? "" : layer.kind, known(layer.features) ? `${layer.features} features` : "", known(layer.width) ? `width ${layer.width}` : "",
      known(layer.stride) ? `a state every ${layer.stride} samples (${ms(layer.stride)})` : "", known(layer.offset) ? `the first one at sample ${layer.offset} (${ms(layer.offset)})` : "",
      layer.inputs.length ? `fed by ${layer.inputs.join(", ")}` : ""].filter(Boolean).join(", ");
  }

  /* ---- where everything stands ---- */
  function placed(layers, names, scale) {
    const few = layers.length <= 16;
    const room = Math.max(box.clientWidth, 320) - 150;
    const gap = few ? 18 : 22;
    const turns = names.filter((name, i) => i && name !== names[i - 1]).length;
    const pitch = few ? Math.min(128, Math.max(62, (room - gap * turns) / layers.length)) : 44;
    const wide = few ? pitch * 0.66 : 36;
    const sizes = layers.map((layer) => layer[scale]);
    const known = sizes.every((size) => size > 0);
    const most = known ? Math.max(...sizes) : 1;
    let x = 112 + wide / 2;
    const places = layers.map((layer, i) => {
      if (i > 0) x += pitch + (names[i] === names[i - 1] ? 0 : gap);
      return { layer, block: names[i], x, height: known ? Math.max(TALL * sizes[i] / most, 3) : TALL / 2, size: known ? sizes[i] : null };
    });
    return { places, wide, pitch, most: known ? most : null, width: x + wide / 2 + 34, few };
  }

  /* Runs of neighbours that are alike. */
  function runs(places, key) {
    const found = [];
    for (const place of places) {
      const last = found[found.length - 1];
      if (last && last.key === key(place)) last.to = place;
      else found.push({ key: key(place), from: place, to: place });
    }
    return found;
  }

  function draw() {
    const model = modelOf();
    const layers = model.layers;
    box.hidden = false;
    const { places, wide, pitch, most, width, few } = placed(layers, blocks[model.name], measured());
    const before = new Map(layers.map((layer, i) => [layer.name, i]));
    tied = layers.map((layer, i) => layer.inputs.filter((name) => before.has(name) && before.get(name) !== i - 1).map((name) => before.get(name)));
    const residual = tied.some((list) => list.length);
    $("all-arcs").hidden = !residual;
    const lane = residual ? LANE : 14;
    const top = 26 + lane;
    const middle = top + TALL / 2;
    const floor = top + TALL;
    const root = svg("svg", { width, height: floor + 104, role: "group", "aria-label": `${model.name}: ${layers.length} layers, from left to right` });
    const back = svg("g", { "aria-hidden": "true" });
    const arcs = svg("g", { "aria-hidden": "true", id: "arcs-shown" });
    input(back, middle, layers[0].stride);
    back.append(svg("line", { class: "flow", x1: 84, x2: places[0].x - wide / 2, y1: middle, y2: middle }));
    places.forEach((place, i) => {
      if (i && place.layer.inputs.includes(places[i - 1].layer.name)) back.append(svg("line", { class: "flow", x1: places[i - 1].x + wide / 2, x2: place.x - wide / 2, y1: middle, y2: middle }));
    });
    for (const { key, from, to } of runs(places, (place) => place.block)) {
      const [x1, x2, y] = [from.x - wide / 2, to.x + wide / 2, 22];
      back.append(svg("path", { class: "bracket", d: `M${x1} ${y + 5}v-5H${x2}v5` }));
      const shown = fits(key, x2 - x1 + 26) ? key : `${key.slice(0, Math.max(Math.floor((x2 - x1 + 14) / 7.4), 3))}…`;
      back.append(svg("text", { class: "block", x: (x1 + x2) / 2, y: y - 7 }, shown, svg("title", {}, key)));
    }
    combs(back, places, wide, floor);
    root.append(back, arcs);
    places.forEach((place, i) => root.append(boxOf(place, i, { wide, pitch, middle, floor, few })));
    box.replaceChildren(root);
    Object.assign(box, { drawn: { places, middle, lane, arcs, room: box.clientWidth } });
    always();
    legend(most);
    mark();
    const chosen = layers.findIndex((layer) => layer.name === state.layer);
    root.querySelectorAll("a")[Math.max(chosen, 0)].setAttribute("tabindex", 0);
  }
  const fits = (text, room) => text.length * 7.4 <= room;

  /* What comes in: frames of 10 ms as thin bars, or the waveform where the first layer is finer than they. */
  function input(back, middle, stride) {
    const wave = stride && stride < FRAME_MS * RATE;
    for (let i = 0; i < (wave ? 24 : 12); i += 1) {
      const height = wave ? 12 + 68 * Math.abs(Math.sin(i * 0.55) * Math.cos(i * 0.21)) : 80;
      back.append(svg("rect", { class: "frame", x: 22 + i * (wave ? 2.5 : 5), width: wave ? 1.5 : 3, y: middle - height / 2, height, rx: 1 }));
    }
    back.append(svg("text", { class: "soft", x: 51, y: middle + 58 }, "input"), svg("text", { class: "soft", x: 51, y: middle + 72 }, wave ? "waveform" : `${FRAME_MS} ms frames`));
  }

  /* Below each box, how many states there are in the same time; below all, the strides in numbers. */
  function combs(back, places, wide, floor) {
    const longest = Math.max(...places.map((place) => place.layer.stride || 0));
    if (!longest) return;
    const spacing = (stride) => wide * stride / (2 * longest);
    for (const place of places) {
      const { stride } = place.layer;
      if (!stride) continue;
      const left = place.x - wide / 2;
      const y = floor + 46;
      if (spacing(stride) < 2) back.append(svg("rect", { class: "frame", x: left, width: wide, y, height: 9 }));
      else for (let x = 0; x <= wide + 0.01; x += spacing(stride)) back.append(svg("line", { class: "comb", x1: left + x, x2: left + x, y1: y, y2: y + 9 }));
    }
    for (const { key, from, to } of runs(places, (place) => place.layer.stride)) {
      if (!key) continue;
      const [x1, x2, y] = [from.x - wide / 2, to.x + wide / 2, floor + 66];
      back.append(svg("path", { class: "bracket", d: `M${x1} ${y - 4}v4H${x2}v-4` }), svg("text", { class: "soft", x: (x1 + x2) / 2, y: y + 16 }, x2 - x1 > 140 ? `a state every ${ms(key)}` : ms(key)));
    }
  }

  function boxOf(place, i, { wide, pitch, middle, floor, few }) {
    const { layer, x, height, size } = place;
    const told = describe(layer);
    const anchor = svg("a", { href: link("layers", { model: state.model, layer: layer.name }), "aria-label": `${layer.name}, layer ${layer.depth}${told ? `: ${told}` : ""}`, tabindex: -1, style: tint(layer.kind), "data-layer": layer.name, draggable: "false" });
    anchor.append(svg("rect", { class: "focus", x: x - wide / 2 - 3, width: wide + 6, y: middle - TALL / 2 - 4, height: TALL + 42, rx: 6 }),
      svg("rect", { class: "box", x: x - wide / 2, width: wide, y: middle - height / 2, height, rx: Math.min(5, height / 2) }));
    if (size !== null) anchor.append(svg("text", { x, y: height >= 18 ? middle + 4.5 : middle - height / 2 - 5 }, String(size)));
    anchor.append(svg("text", { class: few ? "" : "soft", x, y: floor + 18 }, String(layer.depth)));
    if (few) anchor.append(svg("text", { class: "soft", x, y: floor + 34 }, fits(layer.name, pitch + 8) ? layer.name : nameOf(layer.name, place.block).slice(0, 9)));
    for (const event of ["pointerenter", "focus"]) anchor.addEventListener(event, () => tell(i));
    for (const event of ["pointerleave", "blur"]) anchor.addEventListener(event, () => tell(null));
    return anchor;
  }

  /* ---- residual connections ---- */
  function arc(from, to, kind) {
    const { places, middle, lane } = box.drawn;
    const [a, b] = [places[from], places[to]];
    const lift = middle - TALL / 2 - Math.min(26 + 0.22 * (b.x - a.x), lane - 4) * 1.28;
    return svg("path", { class: `arc ${kind}`, d: `M${a.x} ${middle - a.height / 2}C${a.x} ${lift} ${b.x} ${lift} ${b.x} ${middle - b.height / 2}`, "data-from": a.layer.name, "data-to": b.layer.name });
  }
  function always() {
    const { arcs } = box.drawn;
    arcs.replaceChildren(...($("arcs").checked ? tied.flatMap((list, i) => list.map((from) => arc(from, i, "faint"))) : []));
  }
  function tell(i) {
    always();
    const links = [...box.querySelectorAll("a")];
    links.forEach((one) => one.classList.remove("source"));
    const layers = modelOf().layers;
    if (i === null) { mark(); return; }
    for (const from of tied[i]) {
      box.drawn.arcs.append(arc(from, i, "in"));
      links[from].classList.add("source");
    }
    tied.forEach((list, to) => { if (list.includes(i)) box.drawn.arcs.append(arc(i, to, "out")); });
    const told = describe(layers[i]);
    $("told").replaceChildren(make("b", {}, layers[i].name), told ? `: ${told}` : "");
  }
  /* The layer of the link, or a word of how to go on. */
  function mark() {
    const chosen = modelOf().layers.find((layer) => layer.name === state.layer);
    box.querySelectorAll("a").forEach((one) => one.classList.toggle("chosen", one.dataset.layer === state.layer));
    if (chosen) $("told").replaceChildren(make("b", {}, chosen.name), `: ${describe(chosen)}`);
    else $("told").textContent = "Point at a layer, or move among them with the arrow keys. Drag to scroll.";
  }

  function legend(most) {
    const scale = measured();
    const entries = [...new Set(modelOf().layers.map((layer) => layer.kind))].map((kind) => make("span", {}, make("i", { style: tint(kind) }), kind === "layer" ? "of unknown kind" : kind));
    if (most) {
      const round = 10 ** Math.floor(Math.log10(most / 2));
      const size = [5, 2, 1].map((factor) => factor * round).find((value) => value <= most / 2) || 1;
      entries.unshift(make("span", {}, make("i", { class: "bar", style: `height:${(TALL * size / most).toFixed(1)}px` }), `height: ${scale === "features" ? "features" : "width of a state"}; the bar is ${size}`));
    } else entries.unshift(make("span", {}, `height: no file says the ${scale === "features" ? "features" : "width"} of these layers, so all boxes are equal`));
    if (modelOf().layers.some((layer) => layer.stride)) entries.push(make("span", {}, "ticks below: states in the same time"));
    if (tied.some((list) => list.length)) entries.push(make("span", {}, "arcs: states that come in beside those of the layer before (dashed: go out)"));
    $("legend").replaceChildren(...entries);
  }

  /* ---- one stop of the tab key for all boxes; arrows, Home and End move among them ---- */
  function enter(to) {
    const links = [...box.querySelectorAll("a")];
    if (!links[to]) return;
    links.forEach((one, i) => one.setAttribute("tabindex", i === to ? 0 : -1));
    links[to].focus({ preventScroll: true });
    const { x } = box.drawn.places[to];
    if (x - 70 < box.scrollLeft || x + 70 > box.scrollLeft + box.clientWidth) box.scrollTo({ left: x - box.clientWidth / 2 });
  }
  box.addEventListener("keydown", (event) => {
    const links = [...box.querySelectorAll("a")];
    const at = links.indexOf(document.activeElement);
    const to = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: links.length - 1 }[event.key];
    if (to === undefined || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    enter(Math.max(to, 0));
  });

  /* ---- dragging ---- */
  let drag = null;
  box.addEventListener("pointerdown", (event) => {
    if (event.pointerType === "mouse" && event.button === 0) drag = { x: event.clientX, left: box.scrollLeft, moved: false };
  });
  addEventListener("pointermove", (event) => {
    if (!drag) return;
    if (Math.abs(event.clientX - drag.x) > 4) { drag.moved = true; box.classList.add("dragged"); }
    if (drag.moved) box.scrollLeft = drag.left - (event.clientX - drag.x);
  });
  addEventListener("pointerup", () => {
    box.classList.remove("dragged");
    const done = drag;
    setTimeout(() => { if (drag === done) drag = null; });
  });
  box.addEventListener("click", (event) => { if (drag && drag.moved) event.preventDefault(); }, true);
  box.addEventListener("dragstart", (event) => event.preventDefault());

  /* ---- what is chosen ---- */
  function follow(values) {
    state.model = (models.find((model) => model.name === values.model) || models.find((model) => model.name === state.model) || models[0]).name;
    state.layer = modelOf().layers.some((layer) => layer.name === values.layer) ? values.layer : null;
    $("model").value = state.model;
    const { layers } = modelOf();
    $("scales").hidden = !layers.every((layer) => layer.width && layer.features) || layers.every((layer) => layer.width === layer.features);
    if ($("scales").hidden) document.querySelector("#scales input[value=features]").checked = true;
    document.querySelectorAll(".model").forEach((part) => { part.hidden = part.dataset.model !== state.model; });
    draw();
    const at = layers.findIndex((layer) => layer.name === state.layer);
    if (at >= 0) box.scrollLeft = box.drawn.places[at].x - box.clientWidth / 2;
  }
  /* What a link asks for; what of it there is not is told. */
  function read(asked) {
    follow(asked);
    astray(asked, { model: models.map((model) => model.name), layer: modelOf().layers.map((layer) => layer.name) });
    setHash(state);
  }
  $("model").append(...models.map((model) => make("option", { value: model.name }, model.name)));
  $("model").addEventListener("change", () => {
    settle();
    follow({ model: $("model").value });
    setHash(state, { push: true });
  });
  $("scales").addEventListener("change", draw);
  $("arcs").addEventListener("change", always);
  addEventListener("resize", () => { if (box.drawn && box.drawn.room !== box.clientWidth) draw(); });
  onHash(read);
  read(hash());
}).catch(otoscope.complain);
