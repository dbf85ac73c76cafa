(() => {
  const { $, parsed, make, blobUrl } = otoscope;
  const section = $("sonification");
  if (!section) return;
  const { clips, words } = parsed("sonification-data");

  /* ---- clips ---- */
  const audio = new Audio();
  const urls = new Map();
  let pressed = null;
  const release = () => {
    if (!pressed) return;
    pressed.setAttribute("aria-pressed", "false");
    pressed.textContent = "▶";
    pressed = null;
  };
  section.addEventListener("click", (event) => {
    const button = event.target.closest("button.clip");
    if (!button) return;
    const again = pressed === button;
    audio.pause();
    release();
    if (again) return;
    const key = button.dataset.clip;
    if (!urls.has(key)) urls.set(key, blobUrl(clips[key], "audio/flac"));
    pressed = button;
    button.setAttribute("aria-pressed", "true");
    button.textContent = "❚❚";
    audio.src = urls.get(key);
    audio.play().catch((error) => {
      if (error.name === "AbortError" || pressed !== button) return;
      release();
      button.title = "this browser cannot play it";
    });
  });
  audio.addEventListener("ended", release);

  /* ---- one word by a man and a woman ---- */
  const models = Object.keys(words);
  if (!models.length) return;
  const NS = "http://www.w3.org/2000/svg";
  const KINDS = { b: "both", m: "male", f: "female", n: "neither" };
  const MEANT = { male: "man", female: "woman" };
  const ROW = 16;
  const svg = (tag, attributes, text) => {
    const element = document.createElementNS(NS, tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    if (text !== undefined) element.textContent = text;
    return element;
  };
  /* A shape of its own for each kind: circle, square, triangle, ring. */
  function dot(kind, x, y) {
    const place = { class: `dot ${kind}`, "data-kind": kind };
    if (kind === "male") return svg("rect", { ...place, x: x - 5, y: y - 5, width: 10, height: 10 });
    if (kind === "female") return svg("path", { ...place, d: `M${x} ${y - 6}l6 11h-12z` });
    return svg("circle", { ...place, cx: x, cy: y, r: kind === "both" ? 5.5 : 3.2 });
  }
  const chosen = (name) => document.querySelector(`#same-word input[name=${name}]:checked`).value;
  /* With one voice only, what it activates is its own, whoever else activates it too. */
  function seen(kind, sex) {
    if (sex === "both") return kind;
    return kind === "both" || kind === sex ? sex : "neither";
  }
  const named = (sex) => sex === "both"
    ? { both: "activated by both", male: "by the man only", female: "by the woman only", neither: "by neither" }
    : { [sex]: `activated by the ${MEANT[sex]}`, neither: "not activated" };

  function legend(names) {
    $("word-legend").replaceChildren(...Object.entries(names).map(([kind, text]) => {
      const key = svg("svg", { width: 16, height: 16, "aria-hidden": "true" });
      key.append(dot(kind, 8, 8));
      return make("li", {}, key, text);
    }));
  }

  function voice(sex, of) {
    const who = `${MEANT[sex]}${of.speaker ? `, speaker ${of.speaker}` : ""}`;
    if (of.key) return make("span", { class: "voice", title: of.utterance }, make("button", { type: "button", class: "clip", "data-clip": of.key, "aria-pressed": "false", "aria-label": `Play the ${who}` }, "▶"), who);
    if (of.link) return make("span", { class: "voice", title: of.utterance }, make("a", { class: "clip", href: of.link, "aria-label": `Open the ${who}` }, "↗"), who);
    return make("span", { class: "voice" }, `${who}: no sound`);
  }

  let here = null;
  function point(mark) {
    if (here) here.classList.remove("here");
    here = mark;
    if (!mark) { $("word-told").textContent = "Point at a feature, or move to the figure and use the arrow keys."; return; }
    mark.classList.add("here");
    mark.scrollIntoView({ block: "nearest", inline: "nearest", behavior: "instant" });
    $("word-told").textContent = `${mark.dataset.layer}, feature ${mark.dataset.feature}: ${named(chosen("word-sex"))[mark.dataset.kind]}`;
  }

  function show() {
    audio.pause();
    release();
    const { layers, words: known } = words[chosen("word-model")];
    const word = known[$("word-choice").selectedIndex];
    const sex = chosen("word-sex");
    const step = Math.max(20, Math.min(84, Math.floor($("word-dots").clientWidth / layers.length)));
    const tallest = Math.max(...word.layers.map(([features]) => features.length));
    const longest = Math.max(...layers.map((layer) => layer.length));
    const foot = 18 + tallest * ROW;
    const tilted = longest * 7 > step - 6;
    const width = step * layers.length + (tilted ? 10 : 0);
    const height = foot + 22 + (tilted ? Math.min(longest, 24) * 7 : 16);
    const sheet = svg("svg", { width, height, viewBox: `0 0 ${width} ${height}`, tabindex: "0", role: "application",
      "aria-label": `Features of the word ${word.word} by layer; arrow keys move between them` });
    layers.forEach((layer, column) => {
      const [features, letters] = word.layers[column];
      const x = (column + 0.5) * step;
      let active = 0;
      features.forEach((feature, row) => {
        const kind = seen(KINDS[letters[row]], sex);
        const mark = dot(kind, x, 12 + row * ROW);
        Object.assign(mark.dataset, { layer, feature, column, row });
        if (kind !== "neither") active += 1;
        sheet.append(mark);
      });
      sheet.append(svg("text", { class: "count", x, y: foot + 6, "text-anchor": "middle" }, String(active)));
      const label = tilted ? { x: x + 4, y: foot + 20, "text-anchor": "end", transform: `rotate(-90 ${x + 4} ${foot + 20})` }
        : { x, y: foot + 26, "text-anchor": "middle" };
      sheet.append(svg("text", { class: "layer", ...label }, layer));
    });
    sheet.addEventListener("pointerover", (event) => { if (event.target.dataset.kind) point(event.target); });
    sheet.addEventListener("keydown", walk);
    $("word-dots").replaceChildren(sheet);
    legend(named(sex));
    $("word-voices").replaceChildren(...["female", "male"].filter((who) => word.voices[who] && (sex === "both" || sex === who))
      .map((who) => voice(who, word.voices[who])));
    here = null;
    point(null);
  }

  function walk(event) {
    const move = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowDown: [0, 1], ArrowUp: [0, -1] }[event.key];
    if (!move) return;
    event.preventDefault();
    const at = here ? [Number(here.dataset.column) + move[0], Number(here.dataset.row) + move[1]] : [0, 0];
    const next = event.currentTarget.querySelector(`[data-column="${at[0]}"][data-row="${at[1]}"]`);
    if (next) point(next);
  }

  function offer() {
    const before = $("word-choice").value;
    const known = words[chosen("word-model")].words.map(({ word }) => word);
    $("word-choice").replaceChildren(...known.map((word) => make("option", { value: word }, word)));
    if (known.includes(before)) $("word-choice").value = before;
    show();
  }
  $("word-choice").addEventListener("change", show);
  document.querySelectorAll("#same-word input[name=word-sex]").forEach((input) => input.addEventListener("change", show));
  document.querySelectorAll("#same-word input[name=word-model]").forEach((input) => input.addEventListener("change", offer));
  $("same-word").hidden = false;
  offer();
})();
