"use strict";
/* Units of search in words, the same on every page; the others are called what the tables call them. */
otoscope.unitName = (unit) => {
  if (unit === "ngrams") return "phone n-grams";
  const run = /^phones(\d+)$/.exec(unit);
  return run ? `runs of ${run[1]} phones` : unit;
};
