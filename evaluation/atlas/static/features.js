"use strict";
/* The page Features: which recogniser and which feature are shown, and by which way one gets there. */
(() => {
  const { $, announce, hash, setHash, onHash, link, free, lost, tell, settle, complain, heatMap, featureSearch, featureCard } = otoscope;
  const { load } = otoscope.features;
  const state = { model: null, shard: "", map: null, layer: -1, feature: -1 };
  let turn = 0;

  async function choose(model) {
    if (model === state.model) return;
    const mine = ++turn;
    const index = await otoscope.index;
    const shard = `features/${index.models.findIndex((entry) => entry.name === model)}`;
    const map = await load(`${shard}/map`);
    if (mine !== turn) return;
    Object.assign(state, { model, shard, map, layer: -1, feature: -1 });
    $("model").value = model;
    heatMap.show(map, model);
    featureSearch.show(map, shard);
  }

  /* Opens a feature of the model that is shown. `how`: link (and title), focus, scroll. */
  async function open(layer, feature, how = {}) {
    const { model, map, shard } = state;
    const mine = ++turn;
    const name = `${map.layers[layer].name}/${feature}`;
    const data = await load(`${shard}/${layer}`);
    if (mine !== turn) return;
    Object.assign(state, { layer, feature });
    settle();
    setHash({ model, feature: name }, { push: how.link });
    $("feature-title").textContent = `${model} · ${name}`;
    $("to-layer").href = link("layers", { model, layer: map.layers[layer].name });
    $("previous").disabled = !beside(-1);
    $("next").disabled = !beside(1);
    $("card").hidden = false;
    featureCard.fill($("feature"), { shard, model, map, layer, feature, data });
    heatMap.mark(layer, feature);
    if (how.focus) $("feature-title").focus({ preventScroll: true });
    if (how.scroll) $("card").scrollIntoView({ block: "start" });
    if (how.link) announce(`${model}, ${name}`);
  }
  const chosen = (layer, feature) => open(layer, feature, { link: true, focus: true, scroll: true }).catch(complain);

  /* The feature before or behind, over the borders of layers; null at the ends. */
  function beside(by) {
    const { layers } = state.map;
    let [layer, feature] = [state.layer, state.feature + by];
    while (layer >= 0 && layer < layers.length && (feature < 0 || feature >= layers[layer].features)) {
      layer += by;
      if (layer < 0 || layer >= layers.length) return null;
      feature = by > 0 ? 0 : layers[layer].features - 1;
    }
    return layer >= 0 && layer < layers.length ? [layer, feature] : null;
  }
  function go(by) {
    const to = state.feature >= 0 && beside(by);
    if (to) open(...to, { link: true }).catch(complain);
  }

  /* The first live feature of the last layer: something to begin with. */
  function begin() {
    const { map } = state;
    let last = map.order.length;
    for (let layer = map.layers.length - 1; layer >= 0; layer -= 1) {
      const { features } = map.layers[layer];
      last -= features;
      for (let feature = 0; feature < features; feature += 1) if (!map.dead[last + feature]) return [layer, feature];
    }
    return null;
  }

  async function follow({ model, feature }, first) {
    const names = [...$("model").options].map((option) => option.value);
    const known = !model || names.includes(model);
    await choose((known && model) || state.model || names[0]);
    const parts = /^(.*)\/(\d+)$/.exec(feature || "");
    const layer = parts ? state.map.layers.findIndex((entry) => entry.name === parts[1]) : -1;
    const there = layer >= 0 && Number(parts[2]) < state.map.layers[layer].features;
    const some = begin();
    const gone = lost({ model, feature }, { model: names, feature: there ? [feature] : [] });
    if (there) await open(layer, Number(parts[2]), { scroll: true, focus: !first });
    else if (some) await (state.feature < 0 ? open(...some) : open(state.layer, state.feature));
    else $("card").hidden = true;
    if (gone) tell(gone);
  }

  heatMap.onopen(chosen);
  featureSearch.onchoose(chosen);
  featureCard.onask((label) => { featureSearch.ask(label); $("find").scrollIntoView({ block: "center" }); });
  $("previous").addEventListener("click", () => go(-1));
  $("next").addEventListener("click", () => go(1));
  /* Letters also where something of the card has the focus, which has no use for them. */
  document.addEventListener("keydown", (event) => {
    const held = event.ctrlKey || event.metaKey || event.altKey;
    if (!free(event) && (held || !event.target.closest("#card"))) return;
    if (event.key === "p") go(-1);
    if (event.key === "n") go(1);
  });
  $("model").addEventListener("change", () => {
    const { layer, feature, map } = state;
    const name = feature >= 0 ? `${map.layers[layer].name}/${feature}` : undefined;
    const model = $("model").value;
    choose(model).then(() => {
      const same = state.map.layers.findIndex((entry, i) => name === `${entry.name}/${feature}` && i >= 0 && feature < entry.features);
      const to = same >= 0 ? [same, feature] : begin();
      if (!to) { $("card").hidden = true; setHash({ model }); }
      return to && open(...to, { link: true });
    }).catch(complain);
  });
  onHash((values) => follow(values, false).catch(complain));
  follow(hash(), true).catch(complain);
})();
