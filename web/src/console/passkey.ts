/** Passkeys: what the browser's own dialogue gives, in the words of the interface. */

/** What a new passkey proves. */
export interface Registration {
  authenticator_data: string;
  client_data: string;
}

/** What a known passkey proves. */
export interface Assertion {
  credential: string;
  authenticator_data: string;
  client_data: string;
  signature: string;
  user_handle: string;
}

/** Whether this browser knows passkeys. */
export function isPossible(): boolean {
  return (
    'PublicKeyCredential' in globalThis && 'parseRequestOptionsFromJSON' in PublicKeyCredential
  );
}

/** Has a passkey made. */
export async function make(asked: PublicKeyCredentialCreationOptionsJSON): Promise<Registration> {
  const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(asked);
  const made = await navigator.credentials.create({ publicKey });
  const { response } = (made as PublicKeyCredential).toJSON() as Made;
  return { authenticator_data: response.authenticatorData, client_data: response.clientDataJSON };
}

/** Has a passkey used; whose it is, the passkey itself says. */
export async function use(asked: PublicKeyCredentialRequestOptionsJSON): Promise<Assertion> {
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(asked);
  const used = await navigator.credentials.get({ publicKey });
  const { rawId, response } = (used as PublicKeyCredential).toJSON() as Used;
  return {
    credential: rawId,
    authenticator_data: response.authenticatorData,
    client_data: response.clientDataJSON,
    signature: response.signature,
    user_handle: response.userHandle ?? '',
  };
}

/** WebAuthn level 3 §5.1: what `toJSON` gives, as far as it is looked at. */
interface Made {
  response: { authenticatorData: string; clientDataJSON: string };
}

interface Used {
  rawId: string;
  response: {
    authenticatorData: string;
    clientDataJSON: string;
    signature: string;
    userHandle?: string;
  };
}
