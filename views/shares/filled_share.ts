/** What the form of a link holds. */
export interface FilledShare {
  expires: string;
  password: string;
  showPrompt: boolean;
  allowDownload: boolean;
  allowOriginal: boolean;
  allowRemix: boolean;
  note: string;
}

export const usualShare: FilledShare = {
  expires: "7d",
  password: "",
  showPrompt: false,
  allowDownload: true,
  allowOriginal: false,
  allowRemix: false,
  note: "",
};

export const shareLives = [
  { value: "1h", words: "in 1 hour" },
  { value: "1d", words: "in 1 day" },
  { value: "7d", words: "in 7 days" },
  { value: "30d", words: "in 30 days" },
  { value: "never", words: "never" },
];
