// Makes ../testdata/shaping.txt: what HarfBuzz itself makes of words in the scripts that are shaped. README.md says how to run it.
import {createRequire} from 'node:module';
import {readFileSync, writeFileSync} from 'node:fs';
import {dirname, join} from 'node:path';
import {fileURLToPath, pathToFileURL} from 'node:url';

const packages = process.argv[2];
if (!packages) {
  console.error('usage: node shaping.mjs <folder with node_modules>');
  process.exit(2);
}
const require = createRequire(join(packages, 'package.json'));
const hb = await import(pathToFileURL(require.resolve('harfbuzzjs')));
const here = dirname(fileURLToPath(import.meta.url));

// Every Arabic letter and the Persian and Urdu ones alone, at the beginning, in the middle, at the end, after lam and with marks.
const letters = [...'ءآأؤإئابةتثجحخدذرزسشصضطظعغفقكلمنهوىيٱپچژکگھہیے'];
const arabic = letters.flatMap(c => [c, c + 'ع', 'ع' + c, 'ع' + c + 'ع', 'ل' + c, 'لل' + c + 'ه', c + '\u0651\u064e']);
arabic.push('محمّد', 'مَحَمَّدٌ', 'شكرًا', 'بِسْمِ', 'الله', 'فاتورة', 'المجموع', 'الفرعي', 'الإجمالي', 'ألمانيا', 'البائع', 'الضريبي', 'استحقاق',
  'می\u200cخواهم', 'ع\u200dع');
const words = {
  Arabic: arabic,
  Hebrew: ['שלום', 'שָׁלוֹם', 'בע״מ', 'בֶּן־גּוּרִיוֹן', 'כהן', 'יִשְׂרָאֵל', 'לוֹ', 'ץ'],
  Thai: ['น้ำ', 'น้ำใจ', 'กี่', 'สมชาย', 'ที่', 'ปู่', 'ญู', 'ฐู', 'ใบแจ้งหนี้', 'ป้า', 'ปี่', 'ก๊', 'เก้า', 'ฤๅ'],
  Devanagari: ['हिन्दी', 'कि', 'क्षत्रिय', 'श्री', 'र्क', 'क्र', 'त्र', 'ज्ञ', 'द्ध', 'कुनँ', 'ॐ', 'क्\u200dष', 'रु', 'हृ', 'ङ्क', 'ट्ठ', 'प्रार्थना',
    'स्त्री', 'र्कि', 'चालान', 'कं', '१२३', 'क़', 'ज़्यादा'],
};
let out = `# HarfBuzz ${hb.versionString()}: font, word, and glyph,x,y,advance from left to right\n`;
for (const [script, list] of Object.entries(words)) {
  for (const weight of ['Regular', 'Bold']) {
    const file = readFileSync(join(here, `NotoSans${script}-${weight}.ttf`));
    const font = new hb.Font(new hb.Face(new hb.Blob(file), 0));
    for (const word of list) {
      const buffer = new hb.Buffer();
      buffer.addText(word);
      buffer.guessSegmentProperties();
      hb.shape(font, buffer);
      const glyphs = buffer.getGlyphInfosAndPositions().map(g => [g.codepoint, g.xOffset, g.yOffset, g.xAdvance].join(','));
      out += `${script} ${weight} ${word} ${glyphs.join(' ')}\n`;
    }
  }
}
writeFileSync(join(here, '../testdata/shaping.txt'), out);
