"use strict";
/* The search box: a feature, a layer, a word, a phone; the results are a list for the keyboard. */
otoscope.featureSearch = (() => {
  const { $, make, announce, unitName } = otoscope;
  const { load, starts, quoted } = otoscope.features;
  const MOST = 40;
  const LABELS = 6; // that begin with what was typed
  const WAIT_MS = 120;

  const box = $("find");
  const list = $("found");
  let map = null;
  let shard = "";
  let chosen = () => {};
  let options = [];
  let active = -1;
  let asked = 0;
  let timer = 0;

  function show(data, name) {
    map = data;
    shard = name;
    close();
  }

  /* ---- what is found ---- */
  function features(query) {
    const parts = /^(.+?)[\s/]+(\d+)$/.exec(query);
    if (!parts) return [];
    const [, name, number] = parts;
    return matching(name)
      .filter(([, layer]) => Number(number) < layer.features)
      .map(([i, layer]) => ({ text: `${layer.name}/${Number(number)}`, about: "feature", go: () => chosen(i, Number(number)) }));
  }

  function layers(query) {
    return matching(query).map(([i, layer]) => ({
      text: layer.name, about: `layer of ${layer.features} features; opens its first`, go: () => chosen(i, 0),
    }));
  }

  /* Layers whose name is what was typed; where there is none, those whose name holds it. */
  function matching(name) {
    const wanted = name.trim().toLowerCase();
    const every = [...map.layers.entries()].filter(([, layer]) => layer.features);
    const same = every.filter(([, layer]) => layer.name.toLowerCase() === wanted);
    return (same.length ? same : every.filter(([, layer]) => layer.name.toLowerCase().includes(wanted))).slice(0, 8);
  }

  function labels(index, query) {
    const wanted = query.toLowerCase();
    const groups = [];
    for (const tier of index.tiers) {
      if (!tier.starts) tier.starts = starts(tier.lengths);
      const exact = tier.names.findIndex((name) => name.toLowerCase() === wanted);
      if (exact >= 0) {
        const found = [];
        for (let i = tier.starts[exact]; i < tier.starts[exact + 1] && found.length < MOST; i += 1) found.push(picked(tier, i, tier.names[exact]));
        groups.push([`Features that pick the ${tier.tier} ${quoted(tier.names[exact])}`, found]);
      }
      const others = tier.names.filter((name, i) => i !== exact && name.toLowerCase().startsWith(wanted)).slice(0, LABELS);
      if (others.length) groups.push([`More ${tier.tier}s`, others.map((name) => ({ text: name, about: tier.tier, stay: true, go: () => ask(name) }))]);
    }
    return groups;
  }

  function picked(tier, i, label) {
    const layer = tier.layer[i];
    const feature = tier.feature[i];
    return {
      text: `${map.layers[layer].name}/${feature}`,
      about: `${tier.count[i]} of ${tier.of[i]} ${unitName(map.unit)} have ${quoted(label)}`,
      share: tier.count[i] / tier.of[i],
      go: () => chosen(layer, feature),
    };
  }

  async function find() {
    const query = box.value.trim();
    const mine = ++asked;
    if (!query || !map) { close(); return; }
    const groups = [["Feature", features(query)], ["Layers", features(query).length ? [] : layers(query)]];
    let trouble = "";
    try {
      groups.push(...labels(await load(`${shard}/search`), query));
    } catch (error) {
      trouble = error.message;
    }
    if (mine !== asked) return;
    const exact = map.layers.some((layer) => layer.name.toLowerCase() === query.toLowerCase());
    const [feature, layer, ...words] = groups;
    fill((exact ? [feature, layer, ...words] : [feature, ...words.filter(([title]) => title.startsWith("Features")), layer, ...words.filter(([title]) => !title.startsWith("Features"))]), query, trouble);
  }

  /* ---- the list ---- */
  function fill(groups, query, trouble) {
    options = [];
    const parts = [];
    groups.filter(([, found]) => found.length).forEach(([title, found], number) => {
      const heading = make("div", { class: "heading", id: `group-${number}`, role: "presentation" }, title);
      const group = make("div", { role: "group", "aria-labelledby": heading.id }, heading);
      for (const entry of found) {
        const option = make("div", { role: "option", id: `option-${options.length}`, "aria-selected": "false" }, make("b", {}, entry.text), make("span", {}, entry.about));
        if (entry.share !== undefined) option.style.setProperty("--share", entry.share);
        option.addEventListener("click", () => take(entry));
        option.addEventListener("pointerdown", (event) => event.preventDefault()); // the box keeps the focus
        options.push({ ...entry, option });
        group.append(option);
      }
      parts.push(group);
    });
    if (!options.length) parts.push(make("div", { role: "option", class: "nothing", "aria-disabled": "true", "aria-selected": "false" }, trouble || `Nothing here is called ${quoted(query)}: neither a layer nor a word or a phone that is common among the best segments of a feature.`));
    list.replaceChildren(...parts);
    list.hidden = false;
    list.scrollTop = 0;
    box.setAttribute("aria-expanded", "true");
    activate(-1);
    announce(options.length ? `${options.length} found` : parts[0].textContent);
  }

  function activate(at) {
    active = at;
    options.forEach(({ option }, i) => option.setAttribute("aria-selected", String(i === at)));
    if (at < 0) { box.removeAttribute("aria-activedescendant"); return; }
    box.setAttribute("aria-activedescendant", options[at].option.id);
    options[at].option.scrollIntoView({ block: "nearest" });
  }

  function take(entry) {
    if (!entry.stay) close();
    entry.go();
  }

  function close() {
    clearTimeout(timer);
    asked += 1;
    list.hidden = true;
    box.setAttribute("aria-expanded", "false");
    box.removeAttribute("aria-activedescendant");
    options = [];
    active = -1;
  }

  /* Looks something up as if it had been typed. */
  function ask(text) {
    box.value = text;
    box.focus();
    find();
  }

  box.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(find, WAIT_MS); });
  box.addEventListener("focus", () => { if (box.value.trim() && list.hidden) find(); });
  box.addEventListener("blur", close);
  box.addEventListener("keydown", async (event) => {
    if (event.key === "Escape") { close(); return; }
    if (event.key === "Enter") {
      event.preventDefault();
      clearTimeout(timer);
      if (list.hidden || !options.length) await find();
      const entry = options[active < 0 ? 0 : active];
      if (entry) take(entry);
      return;
    }
    const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!by || !options.length) return;
    event.preventDefault();
    activate((active + by + options.length + (active < 0 && by < 0 ? 1 : 0)) % options.length);
  });
  $("choice").addEventListener("submit", (event) => event.preventDefault());

  return { show, ask, onchoose: (callback) => { chosen = callback; } };
})();
