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

// All that a legacy double-byte set has, read through the decoder Node has for it: lead bytes, then trail bytes.
const doubleBytes = (encoding, leads, trails) => {
  const decoder = new TextDecoder(encoding);
  let text = '';
  for (const lead of leads) {
    for (const trail of trails) {
      const c = decoder.decode(Uint8Array.of(lead, trail));
      if ([...c].length === 1 && c !== '\ufffd' && !(c >= '\ue000' && c <= '\uf8ff')) text += c;
    }
  }
  return text;
};
const bytes = (first, last) => Array.from({length: last - first + 1}, (_, i) => first + i);
const high = bytes(0xa1, 0xfe);

// The sets national standards agree on, without their rows of Greek, Cyrillic, pinyin and box drawing, for which the Latin font is
// asked first. Japanese is Windows-31J, which adds the characters of names that JIS X 0208 lacks, and three more;
// Korean has every syllable, because a name may be any of them.
const chinese = doubleBytes('gbk', [...bytes(0xa1, 0xa5), ...bytes(0xb0, 0xf7)], high);
const traditional = doubleBytes('big5', bytes(0xa1, 0xf9), [...bytes(0x40, 0x7e), ...high]);
const japanese = doubleBytes('shift_jis', [0x81, 0x82, 0x83, ...bytes(0x87, 0x9f), ...bytes(0xe0, 0xee), 0xfa, 0xfb, 0xfc], bytes(0x40, 0xfc)) +
  '\u{20bb7}\u{20b9f}\u{29e3d}' + span(0xff61, 0xff9f);
const korean = doubleBytes('euc-kr', [...bytes(0xa1, 0xa4), ...bytes(0xca, 0xfd)], high) + span(0xac00, 0xd7a3) + span(0x1100, 0x11ff);

// Fonts of scripts whose letters stand one after the other: no layout tables, and readers of PDF ignore hints.
const plain = {targetFormat: 'sfnt', keepFeatures: [], noLayoutClosure: true, noHinting: true,
  dropTables: ['GPOS', 'GSUB', 'GDEF', 'BASE', 'VORG', 'vhea', 'vmtx', 'STAT', 'DSIG', 'gasp', 'meta']};
// Fonts of scripts that are shaped keep what the shaper reads, whole.
const shaped = null;

const fonts = [
  ['noto-sans/400Regular/NotoSans_400Regular.ttf', 'NotoSans-Regular.ttf', latin, plain],
  ['noto-sans/700Bold/NotoSans_700Bold.ttf', 'NotoSans-Bold.ttf', latin, plain],
  ['noto-sans-sc/400Regular/NotoSansSC_400Regular.ttf', 'NotoSansSC-Regular.ttf', chinese, plain],
  ['noto-sans-tc/400Regular/NotoSansTC_400Regular.ttf', 'NotoSansTC-Regular.ttf', traditional, plain],
  ['noto-sans-jp/400Regular/NotoSansJP_400Regular.ttf', 'NotoSansJP-Regular.ttf', japanese, plain],
  ['noto-sans-kr/400Regular/NotoSansKR_400Regular.ttf', 'NotoSansKR-Regular.ttf', korean, plain],
  ...['Arabic', 'Hebrew', 'Thai', 'Devanagari'].flatMap(script => [
    [`noto-sans-${script.toLowerCase()}/400Regular/NotoSans${script}_400Regular.ttf`, `NotoSans${script}-Regular.ttf`, '', shaped],
    [`noto-sans-${script.toLowerCase()}/700Bold/NotoSans${script}_700Bold.ttf`, `NotoSans${script}-Bold.ttf`, '', shaped],
  ]),
];
for (const [from, to, text, options] of fonts) {
  const whole = readFileSync(join(packages, 'node_modules/@expo-google-fonts', from));
  const cut = options ? await subsetFont(whole, text, options) : whole;
  writeFileSync(join(out, to), cut);
  console.log(`${to}: ${[...text].length || 'all'} characters, ${whole.length} → ${cut.length} bytes`);
}
