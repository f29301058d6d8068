// Makes the fonts in this folder. README.md says when and how to run it.
import {createRequire} from 'node:module';
import {readFileSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';

const [packages, out] = process.argv.slice(2);
if (!out) {
  console.error('usage: node subset.mjs <folder with node_modules> <folder to write to>');
  process.exit(2);
}
const require = createRequire(join(packages, 'package.json'));
const subsetFont = require('subset-font');

const span = (first, last) => Array.from({length: last - first + 1}, (_, i) => String.fromCharCode(first + i)).join('');

// What European and Vietnamese documents need: letters, marks, punctuation, currency signs, letterlike symbols, number
// forms, the minus sign and the replacement character.
const latin = [
  [0x20, 0x7e], [0xa0, 0x24f], [0x259, 0x259], [0x2b0, 0x2ff], [0x300, 0x36f], [0x370, 0x3ff], [0x400, 0x52f],
  [0x1e00, 0x1eff], [0x1f00, 0x1fff], [0x2010, 0x2027], [0x2030, 0x205e], [0x2070, 0x209f], [0x20a0, 0x20cf],
  [0x2100, 0x214f], [0x2150, 0x218b], [0x2190, 0x2193], [0x2212, 0x2212], [0x2215, 0x2215], [0x2219, 0x221a],
  [0x221e, 0x221e], [0x2248, 0x2248], [0x2260, 0x2265], [0x25a1, 0x25a1], [0x25cc, 0x25cc], [0xfb00, 0xfb06],
  [0xfffd, 0xfffd],
].map(r => span(...r)).join('');

// GB 2312 row by row (its double bytes are the same in GBK, which Node can decode), without the rows of Greek, Cyrillic,
// pinyin and box drawing, for which the Latin font is asked first.
const gb2312 = rows => {
  const decoder = new TextDecoder('gbk');
  let text = '';
  for (const row of rows) {
    for (let cell = 0xa1; cell <= 0xfe; cell++) {
      const c = decoder.decode(Uint8Array.of(row, cell));
      if (c.length === 1 && c !== '\ufffd' && !(c >= '\ue000' && c <= '\uf8ff')) text += c;
    }
  }
  return text;
};
const rows = (first, last) => Array.from({length: last - first + 1}, (_, i) => first + i);
const chinese = gb2312([...rows(0xa1, 0xa5), ...rows(0xb0, 0xf7)]);

// The PDF writer places glyph by glyph: it reads no layout tables, and readers of PDF ignore hints.
const options = {targetFormat: 'sfnt', keepFeatures: [], noLayoutClosure: true, noHinting: true,
  dropTables: ['GPOS', 'GSUB', 'GDEF', 'BASE', 'VORG', 'vhea', 'vmtx', 'STAT', 'DSIG', 'gasp', 'meta']};

const fonts = [
  ['noto-sans/400Regular/NotoSans_400Regular.ttf', 'NotoSans-Regular.ttf', latin],
  ['noto-sans/700Bold/NotoSans_700Bold.ttf', 'NotoSans-Bold.ttf', latin],
  ['noto-sans-sc/400Regular/NotoSansSC_400Regular.ttf', 'NotoSansSC-Regular.ttf', chinese],
];
for (const [from, to, text] of fonts) {
  const whole = readFileSync(join(packages, 'node_modules/@expo-google-fonts', from));
  const cut = await subsetFont(whole, text, options);
  writeFileSync(join(out, to), cut);
  console.log(`${to}: ${[...text].length} characters asked for, ${whole.length} → ${cut.length} bytes`);
}
