"use strict";
/* Lays the grid of sounds: references on top, then a row per layer and a column per model.
   `on` has what happens: toggle(key), hear(key, at), mark(side, key), descend(keys). */
otoscope.listening = (all, on) => {
  const { $, make } = otoscope;
  const REFERENCE = "reference";
  const WHY = { absent: "its file is missing or broken", "no room": "no room for it in this atlas" };
  const grid = $("grid");
  const address = (cell) => JSON.stringify([cell.condition, cell.model, cell.layer]);
  const scores = new Map(all.scores.map((entry) => [address(entry), entry.scores]));
  const tint = ([light, dark]) => `--tint:light-dark(${light},${dark})`;

  function label(key) {
    const [scene, model, layer] = JSON.parse(key);
    return [layer, model === REFERENCE ? null : model, scene].filter(Boolean).join(", ");
  }

  function axis(seconds) {
    const line = make("div", { class: "axis", "aria-hidden": "true" });
    const step = [0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60].find((size) => seconds / size <= 5) || 120;
    for (let at = 0; at <= seconds * 0.95; at += step) {
      line.append(make("span", { style: `left:${100 * at / seconds}%` }, at === 0 ? "0 s" : String(+at.toFixed(1))));
    }
    return line;
  }

  /* The picture of a sound is its clock: a press on it plays from there. */
  function player(key, sample, seconds) {
    const name = label(key);
    const button = make("button", { type: "button", class: "hear", tabindex: -1, "aria-pressed": "false", "aria-label": `Play ${name}` },
      make("span", { class: "sign", "aria-hidden": "true" }));
    const picture = make("div", { class: "pic" });
    if (sample.picture) {
      const width = 100 * Math.min(sample.seconds / seconds, 1) || 100;
      picture.append(make("img", { src: sample.picture, alt: "", loading: "lazy", draggable: "false", style: `width:${width}%` }));
    }
    const marks = ["a", "b"].map((side) => {
      const letter = side.toUpperCase();
      const mark = make("button", { type: "button", class: "mark", "data-mark": side, tabindex: -1, "aria-pressed": "false", "aria-label": `${letter}: ${name}` }, letter);
      mark.addEventListener("click", () => on.mark(side, key));
      return mark;
    });
    picture.append(make("span", { class: "cursor" }), button, make("span", { class: "marks" }, ...marks));
    picture.addEventListener("click", (event) => {
      if (event.target.closest(".mark")) return;
      button.focus({ preventScroll: true });
      if (event.target.closest(".hear")) { on.toggle(key); return; }
      const frame = picture.getBoundingClientRect();
      on.hear(key, Math.max(0, (event.clientX - frame.left) / frame.width) * seconds);
    });
    return { picture, button };
  }

  function cell(key, { own, colour, reason }, sample, seconds, ruled) {
    const box = make("div", { class: "cell", role: "gridcell", style: colour ? tint(colour) : null }, make("span", { class: "own" }, own));
    let button = null;
    if (sample && sample.sound) {
      const playing = player(key, sample, seconds);
      button = playing.button;
      box.append(playing.picture, ...(ruled ? [axis(seconds)] : []));
    } else box.append(make("div", { class: "gone" }, sample ? `No sound: ${WHY[sample.gone]}` : reason));
    if (scores.has(key)) box.append(make("p", { class: "scores" }, ...scores.get(key).map(([text, how]) => make("span", { title: how }, text))));
    return { box, button };
  }

  function head(model, scene) {
    const down = make("button", { type: "button", class: "down", "aria-label": `Play all layers of ${model.name}, from the first to the last` }, "▶ all layers");
    down.addEventListener("click", () => on.descend(all.layers.map((layer) => address({ condition: scene, model: model.name, layer }))));
    return make("div", { class: "head", role: "columnheader", style: tint(model.colour) }, make("span", {}, model.name), down);
  }

  /* What stands in each row: [name of the row, its cells]. */
  function lines(models) {
    const found = all.layers.map((layer) => [layer, models.map((model) => (
      { model: model.name, layer, own: model.name, colour: model.colour, reason: model.layers.includes(layer) ? "Not rendered" : "No such layer" }))]);
    const peers = all.references.map((layer) => ({ model: REFERENCE, layer, own: layer, reason: "Not rendered" }));
    return [...(peers.length ? [[null, peers]] : []), ...(models.length ? found : [])];
  }

  /* Lays it anew; gives the keys of its cells by row, and where each one that plays is. */
  function lay(sounds, seconds, scene, models) {
    const rows = [];
    const places = new Map();
    grid.replaceChildren();
    grid.style.setProperty("--columns", Math.max(models.length, all.references.length, 1));
    lines(models).forEach(([layer, cells], row) => {
      if (layer !== null && !grid.querySelector(".heads")) {
        grid.append(make("div", { class: "row heads", role: "row" },
          make("div", { class: "corner", role: "columnheader" }, "layer"), ...models.map((model) => head(model, scene))));
      }
      const line = make("div", { class: layer === null ? "row peers" : "row", role: "row" },
        make("div", { class: "layer", role: "rowheader" }, layer === null ? "to compare" : layer));
      rows.push(cells.map((one) => address({ condition: scene, ...one })));
      cells.forEach((one, column) => {
        const key = rows[row][column];
        const { box, button } = cell(key, one, sounds.get(key), seconds, row === 0);
        if (button) places.set(key, { box, button, row, column });
        line.append(box);
      });
      grid.append(line);
    });
    return { rows, places };
  }

  return { address, label, lay, REFERENCE };
};
