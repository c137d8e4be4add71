/** What words mean to the painter. A word stands in the singular; words that belong together, three at most, are joined by "_". */

export const places = {
  sea:
    "sea ocean coast coastal shore seaside seascape wave surf harbour harbor bay cliff island marine reef tide port pier",
  beach: "beach lagoon",
  lake: "lake pond river fjord loch reservoir stream waterfall creek water",
  mountains:
    "mountain peak alp alpine summit range ridge himalaya glacier volcano everest matterhorn fuji andes",
  hills: "hill countryside landscape valley vineyard highland tuscany moor scenery downs",
  city:
    "city skyline street town skyscraper downtown urban metropolis cityscape tower building tokyo york london " +
    "paris berlin shanghai cyberpunk village alley apartment rooftop",
  forest: "forest wood woodland jungle taiga grove woods rainforest",
  desert: "desert dune sahara canyon mesa sand oasis badlands arizona mars",
  meadow: "meadow field prairie pasture grassland farm savanna savannah steppe garden wheat",
  space:
    "space galaxy planet cosmos cosmic nebula universe saturn jupiter interstellar orbit spaceship astronaut",
  abstract:
    "abstract geometric pattern shape composition bauhaus minimalist minimalism cubist kandinsky mondrian rothko",
} as const;

export const times = {
  dawn: "dawn sunrise morning daybreak early_morning",
  day: "day noon midday daylight sunny afternoon daytime bright_day",
  sunset: "sunset dusk evening twilight golden_hour sundown",
  night: "night midnight nocturnal moonlight moonlit nighttime starlit starry night_sky dark_sky",
} as const;

export const weathers = {
  clear: "clear cloudless",
  cloudy: "cloudy overcast cloud",
  rain: "rain rainy drizzle shower downpour raining wet",
  snow: "snow snowy snowfall blizzard snowing snowflake frozen",
  fog: "fog foggy mist misty haze hazy",
  storm: "storm stormy thunder thunderstorm lightning tempest hurricane",
} as const;

export const seasons = {
  spring: "spring blossom cherry_blossom sakura",
  autumn: "autumn fall autumnal october november",
  winter: "winter wintry ice icy arctic christmas",
} as const;

export const styles = {
  ink: "ink pen etching engraving sketch drawing pencil charcoal line_art woodcut sumi hatching",
  pastel: "pastel chalk crayon soft dreamy impressionist impressionism monet",
  poster: "poster flat vector graphic screenprint retro travel_poster linocut ukiyo vintage art_deco",
  watercolour: "watercolour watercolor aquarelle gouache water_colour wash",
} as const;

export const tints = {
  red: "red crimson scarlet ruby vermilion maroon",
  orange: "orange amber copper tangerine rust terracotta",
  golden: "golden gold yellow honey ochre mustard",
  green: "green emerald jade olive mint lime moss sage",
  teal: "teal turquoise cyan aqua aquamarine",
  blue: "blue azure indigo cobalt navy sapphire cerulean",
  purple: "purple violet lilac magenta mauve plum neon",
  pink: "pink rose rosy coral peach fuchsia salmon",
  brown: "brown sepia earthy umber coffee",
  white: "white pale ivory",
  black: "black dark",
  grey: "grey gray monochrome monochromatic greyscale grayscale silver black_and_white noir",
} as const;

export const subjects = {
  sun: "sun",
  moon: "moon crescent full_moon",
  stars: "star constellation milky_way stargazing",
  aurora: "aurora northern_light polar_light borealis",
  birds: "bird gull seagull crow swallow flock goose raven",
  boat: "boat ship sailboat sail yacht sailing fishing_boat vessel",
  lighthouse: "lighthouse beacon",
  house: "house cottage cabin hut home barn farmhouse chalet",
  trees: "tree oak birch maple willow",
  pines: "pine fir spruce cedar conifer",
  flowers: "flower wildflower lavender poppy tulip sunflower daisy",
  palm: "palm palm_tree tropical",
  cactus: "cactus cacti saguaro",
  cat: "cat kitten kitty",
  balloon: "balloon hot_air air_balloon",
} as const;
