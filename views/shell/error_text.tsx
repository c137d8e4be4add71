/** One line that says what went wrong. */
export function ErrorText({ message }: { message: string }) {
  return <p class="error" role="alert">{message}</p>;
}
