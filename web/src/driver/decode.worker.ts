/** Finds a scannable code in a picture, away from the page, so that the picture goes on moving. */

import { prepareZXingModule, readBarcodes } from 'zxing-wasm/reader';
import wasm from 'zxing-wasm/reader/zxing_reader.wasm?url';

// The library would fetch its decoder from a public server; ours is beside the page.
prepareZXingModule({ overrides: { locateFile: () => wasm } });

addEventListener('message', ({ data }: MessageEvent<ImageData>) => {
  void readBarcodes(data, { formats: ['QRCode'], maxNumberOfSymbols: 1, tryHarder: true }).then(
    (found) => postMessage(found[0]?.text ?? null),
    () => postMessage(null),
  );
});
