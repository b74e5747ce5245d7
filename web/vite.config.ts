import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliCompressSync, constants } from 'node:zlib';
import { svelte } from '@sveltejs/vite-plugin-svelte';
import type { Plugin } from 'vite';
import { defineConfig } from 'vitest/config';

const output = 'dist';

/** Puts a smaller twin beside every file that the server may send compressed. */
const compressed: Plugin = {
  name: 'compressed',
  apply: 'build',
  closeBundle() {
    const folder = join(output, 'assets');
    for (const name of readdirSync(folder).filter((name) => /\.(js|css|svg|wasm)$/.test(name))) {
      const bytes = readFileSync(join(folder, name));
      const params = { [constants.BROTLI_PARAM_QUALITY]: 11 };
      writeFileSync(join(folder, `${name}.br`), brotliCompressSync(bytes, { params }));
    }
  },
};

export default defineConfig({
  base: '/',
  plugins: [svelte(), compressed],
  build: {
    outDir: output,
    emptyOutDir: true,
    target: 'es2023',
    // An inlined file would be a `data:` address, which the pages' policy lets in for images alone.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rollupOptions: {
      input: {
        customer: 'customer.html',
        driver: 'driver.html',
        console: 'console.html',
        worker: 'src/parts/worker.ts',
      },
      output: {
        // A service worker keeps its name, or the former one would live on beside it.
        entryFileNames: ({ name }) => (name === 'worker' ? 'worker.js' : 'assets/[name]-[hash].js'),
      },
    },
  },
  test: { include: ['src/**/*.test.ts'], environment: 'node' },
});
