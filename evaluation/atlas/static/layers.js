"use strict";
/* The page Layers: which layer is shown, its samples, features and audiations. */
otoscope.index.then((index) => {
  const { $, make, hash, setHash, onHash, link, player, playButton, shard, announce, astray, settle } = otoscope;
  const { none, finite, spelled, curvesOf, summaryOf } = otoscope.layers;
  const models = index.models.filter((model) => model.layers.length);
  const { run } = $("shown") ? $("shown").dataset : {};
  const scenes = index.conditions.map((condition) => condition.name);
  const state = { model: null, layer: null, condition: null };
  let drawn = 0;

  /* ---- what is chosen ---- */
  const modelOf = () => models.find((model) => model.name === state.model);
  const entryOf = () => modelOf().layers.find((layer) => layer.name === state.layer);

  function follow(values) {
    state.model = (models.find((model) => model.name === values.model) || models.find((model) => model.name === state.model) || models[0]).name;
    const layers = modelOf().layers;
    state.layer = (layers.find((layer) => layer.name === values.layer) || layers.find((layer) => layer.name === state.layer) || layers[0]).name;
    if (scenes.includes(values.condition)) state.condition = values.condition;
    $("model").value = state.model;
    $("layer").replaceChildren(...layers.map((layer) => make("option", { value: layer.name }, layer.name)));
    $("layer").value = state.layer;
    const at = layers.indexOf(entryOf());
    $("before").disabled = at === 0;
    $("after").disabled = at === layers.length - 1;
    show(index.models.indexOf(modelOf()), at);
  }
  /* By hand: another layer or model can be gone back from, another condition is the same page. */
  function choose(values) {
    settle();
    follow({ ...state, ...values });
    setHash(state, { push: !("condition" in values) });
  }
  /* What a link asks for; what of it there is not is told. */
  function read(asked) {
    follow(asked);
    astray(asked, { model: models.map((model) => model.name), layer: modelOf().layers.map((layer) => layer.name), condition: scenes });
  }
  function step(by) {
    const layers = modelOf().layers;
    const next = layers[layers.indexOf(entryOf()) + by];
    if (next) {
      choose({ layer: next.name });
      announce(`${next.name}, layer ${next.depth} of ${layers.length}`);
    }
  }

  async function show(m, l) {
    const turn = (drawn += 1);
    $("shown").setAttribute("aria-busy", "true");
    try {
      const [curves, found] = await Promise.all([shard(`layers/${m}/curves`), shard(`layers/${m}/${l}`)]);
      if (turn !== drawn) return;
      player.clear();
      conditionsOf(curves, found);
      setHash(state);
      head();
      const at = { state, model: modelOf(), run, choose, untrained: index.models.find((model) => model.name === "untrained") };
      $("curves").replaceChildren(...curvesOf(curves, at));
      $("samples").replaceChildren(...samplesOf(found.samples));
      $("summary").replaceChildren(...summaryOf(found, at));
      $("features").replaceChildren(...featuresOf(found));
      $("audiations").replaceChildren(...audiationsOf(found.audiation));
    } catch (error) {
      if (turn === drawn) otoscope.complain(error);
    } finally {
      if (turn === drawn) $("shown").removeAttribute("aria-busy");
    }
  }

  /* ---- the head ---- */
  function head() {
    const model = modelOf();
    const layer = entryOf();
    $("layer-name").textContent = layer.name;
    document.title = `${layer.name} · ${model.name} · Otoscope`;
    const ms = (samples) => `${samples} samples (${Number((samples / 16).toFixed(2))} ms)`;
    const facts = [`layer ${layer.depth} of ${model.layers.length} in ${model.name}`, layer.kind === "layer" ? null : layer.kind,
      layer.features === null ? null : `${layer.features} features`, layer.width === null || layer.width === layer.features ? null : `states of width ${layer.width}`,
      layer.stride === null ? null : `a state every ${ms(layer.stride)}`, layer.inputs.length ? `fed by ${layer.inputs.join(", ")}` : null];
    $("about").textContent = facts.filter(Boolean).join(" · ");
    const where = { model: model.name, layer: layer.name };
    $("links").replaceChildren(make("a", { href: link("network", where) }, "In the network"), make("a", { href: link("features", { model: model.name, feature: `${layer.name}/0` }) }, "Its features, one by one"));
  }

  function conditionsOf(curves, found) {
    const names = new Set([...curves.flatMap((block) => Object.keys(block.conditions)), ...found.samples.map((sample) => sample.condition)]);
    const known = scenes.filter((name) => names.has(name));
    if (!known.includes(state.condition)) state.condition = known[0] || null;
    const box = $("conditions");
    box.hidden = known.length === 0;
    if (box.dataset.names !== known.join(" ")) {
      box.dataset.names = known.join(" ");
      box.replaceChildren(make("legend", {}, "Condition"), ...known.map((name) => make("label", {}, make("input", { type: "radio", name: "condition", value: name }), name)));
    }
    box.querySelectorAll("input").forEach((input) => { input.checked = input.value === state.condition; });
  }

  /* ---- samples ---- */
  function samplesOf(samples) {
    const mine = samples.filter((sample) => sample.condition === state.condition);
    if (!mine.length) return [none(`There is no sample of ${state.layer}${state.condition ? ` in ${state.condition}` : ""} to listen to. The run renders them:`, `otoscope run --output ${run}`)];
    return [make("ul", { class: "voices" }, ...mine.map((sample) => make("li", {},
      make("p", {}, sample.text || sample.utterance, " ", make("small", {}, `speaker ${sample.speaker}`)),
      make("div", { class: "pair" },
        make("span", {}, playButton(sample.natural, `natural, ${sample.utterance}, ${sample.condition}`), "natural"),
        make("span", {}, playButton(sample.sound, `${state.layer} of ${state.model}, ${sample.utterance}, ${sample.condition}`), state.layer),
        make("a", { href: link("listen", { utterance: sample.utterance, condition: sample.condition, model: state.model, layer: state.layer }), "aria-label": `Compare all layers of ${sample.utterance}` }, "compare")))))];
  }

  /* ---- features ---- */
  function featuresOf(found) {
    const count = found.sonified ? found.sonified.features : entryOf().features;
    if (!count) return [none("How many features this layer has is not known yet.", `otoscope sonify ${run} --output ${run}`)];
    const dead = new Map(found.sonified ? found.sonified.dead : []);
    const made = new Set((found.audiation ? found.audiation.sounds : []).filter((sound) => !sound.problem).map((sound) => sound.feature));
    const list = make("ul", { class: "cells", "aria-labelledby": "features-title" });
    for (let i = 0; i < count; i += 1) {
      const says = [dead.has(i) ? `dead: ${dead.get(i)}` : "", made.has(i) ? "has an audiation" : ""].filter(Boolean).join(", ");
      list.append(make("li", {}, make("a", { href: link("features", { model: state.model, feature: `${state.layer}/${i}` }), class: [dead.has(i) ? "dead" : "", made.has(i) ? "made" : ""].join(" ").trim() || null, tabindex: i ? -1 : 0, title: says || null, "aria-label": `${state.layer}/${i}${says ? `, ${says}` : ""}` }, String(i))));
    }
    list.addEventListener("keydown", (event) => wander(event, list));
    const lead = make("p", { class: "lead" }, `${count} features`, dead.size ? `, ${dead.size} dead (dashed)` : "", made.size ? `, ${made.size} with an audiation (dotted)` : "", ". Arrow keys move among them.");
    return [lead, list];
  }
  /* One stop of the tab key for all cells; the arrows move among them. */
  function wander(event, list) {
    const cells = [...list.querySelectorAll("a")];
    const at = cells.indexOf(document.activeElement);
    const across = cells.filter((cell) => cell.offsetTop === cells[0].offsetTop).length;
    const by = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -across, ArrowDown: across }[event.key];
    const next = by ? cells[at + by] : { Home: cells[0], End: cells[cells.length - 1] }[event.key];
    if (at < 0 || !(by || next)) return;
    event.preventDefault();
    event.stopPropagation();
    if (!next) return;
    cells[at].tabIndex = -1;
    next.tabIndex = 0;
    next.focus();
  }

  /* ---- audiations ---- */
  function audiationsOf(found) {
    if (!found || !found.sounds.length) return [none(`No sound was made for a feature of ${state.layer} of ${state.model}:`, `otoscope audiate ${run} --output ${run}`)];
    const share = (value) => spelled(value, 0, " %", 100);
    const told = found.summary.map((one) => make("p", { class: "lead" }, `${one.variant === "as asked" ? "" : `Control, ${one.variant}: `}${spelled(one.sounds, 0)} sounds${finite(one.above) ? `; ${share(one.above)} drive their feature more than any segment of the corpus, ${share(one.held_out_above)} also under changes that the optimisation did not see` : ""}.`));
    const sounds = found.sounds.map((one) => {
      const name = `${state.layer}/${one.feature}${one.sample ? `, sample ${one.sample + 1}` : ""}`;
      const scores = one.problem || `reached ${spelled(one.reached, 2)}, held out ${spelled(one.held_out, 2)}, best segment ${spelled(one.strongest, 2)}`;
      return make("li", {}, make("p", {}, make("a", { href: link("features", { model: state.model, feature: `${state.layer}/${one.feature}` }) }, name), " ", make("small", {}, scores)),
        make("div", { class: "pair" }, make("span", {}, playButton(one.sound, `audiation of ${name}`), "made for it"), make("span", {}, playButton(one.segment, `best segment of ${name}`), one.words ? `best segment, ${one.words}` : "best segment")));
    });
    return [...told, make("ul", { class: "voices" }, ...sounds)];
  }

  /* ---- controls ---- */
  if (!models.length) return;
  $("model").append(...models.map((model) => make("option", { value: model.name }, model.name)));
  $("model").addEventListener("change", () => choose({ model: $("model").value }));
  $("layer").addEventListener("change", () => choose({ layer: $("layer").value }));
  $("conditions").addEventListener("change", (event) => choose({ condition: event.target.value }));
  $("before").addEventListener("click", () => step(-1));
  $("after").addEventListener("click", () => step(1));
  /* Also from the two buttons that do the same. */
  const plain = (event) => event.target.closest(".step") && !(event.altKey || event.ctrlKey || event.metaKey || event.shiftKey);
  addEventListener("keydown", (event) => {
    if (!otoscope.free(event) && !plain(event)) return;
    if (event.key === "ArrowLeft") step(-1);
    if (event.key === "ArrowRight") step(1);
  });
  onHash(read);
  read(hash());
}).catch(otoscope.complain);
