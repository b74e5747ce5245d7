/** What the tab is called: the page says what of it is looked at, and takes that back when it goes. */

export class Title {
  about = $state.raw<string>();

  /** Names it until what this returns is called; for an effect. */
  name(about: string | undefined): () => void {
    this.about = about;
    return () => {
      if (this.about === about) this.about = undefined;
    };
  }
}
