/** What is said about a mask. */

/** With one decimal below ten; all and nothing are said of nothing else. */
export function shareText(share) {
  return `${percent(share)} % will change`;
}

function percent(share) {
  if (share === 0 || share === 1) return share * 100;
  const fine = Math.max(0.1, Math.round(share * 1000) / 10);
  return fine < 10 ? fine.toFixed(1) : Math.min(99, Math.round(share * 100));
}

/** In which ninth of the picture that point is, given as fractions. */
export function placeText({ x, y }) {
  const across = ["left", "", "right"][third(x)];
  const down = ["upper", "", "lower"][third(y)];
  if (across === "") return { upper: "top", lower: "bottom" }[down] ?? "middle";
  return down === "" ? across : `${down} ${across}`;
}

const third = (fraction) => Math.min(2, Math.floor(fraction * 3));
