/** An order that is drawn anew. */

/** The same in another order: Fisher and Yates. */
export function shuffled<T>(list: readonly T[]): T[] {
  const cards = [...list];
  for (let i = cards.length - 1; i > 0; i--) {
    const j = Math.floor(Math.random() * (i + 1));
    [cards[i], cards[j]] = [cards[j] as T, cards[i] as T];
  }
  return cards;
}
