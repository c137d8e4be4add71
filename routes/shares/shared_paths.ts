/** Where what is shared is shown: all of it lies below the address that was given to somebody. */
export const sharedPaths = "/s/*";
export const sharedFilePaths = ["/s/:token/file/:number", "/s/:token/card.jpg"] as const;
