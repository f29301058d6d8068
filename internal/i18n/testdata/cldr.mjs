// Writes cldr.json: what ICU (Node's Intl, CLDR 48) writes for the numbers, percentages, dates and amounts of the tests.
// By hand, when a locale is added or Node's CLDR moves on: node cldr.mjs > cldr.json
const tags = ['en', 'fr', 'de', 'es', 'it', 'pt', 'pt-BR', 'nl', 'da', 'sv', 'no', 'fi', 'pl', 'cs', 'ru', 'tr', 'ar', 'ja',
  'ko', 'zh-Hans', 'zh-Hant'];
const data = { pt: 'pt-PT', no: 'nb' }; // whose data a tag of ours means, where it is not its own
const numbers = ['0', '1', '-1', '999', '1000', '-1000', '9999', '10000', '123456', '-1234567', '9223372036854775807',
  '-9223372036854775808'];
const rates = ['0', '1', '0.19', '0.2', '0.08875', '0.055', '0.0005', '-0.5', '12.34', '-123.456789', '0.123456789012345678'];
const decimals = ['0', '1', '0.5', '-0.25', '1234.5', '-12345.678', '0.123456789012345678'];
const days = [...Array(12).keys()].map((m) => `2024-${String(m + 1).padStart(2, '0')}-${m === 0 ? '01' : '2' + (m % 9)}`);
const times = ['2024-04-05T09:04:59Z', '2024-12-31T23:59:59Z', '2025-01-01T00:00:00Z'];
const currencies = { USD: 2, EUR: 2, GBP: 2, JPY: 0, AUD: 2, CAD: 2, CHF: 2, HKD: 2, SGD: 2, SEK: 2, ARS: 2, BRL: 2, CNY: 2,
  COP: 2, CZK: 2, DKK: 2, HUF: 2, ILS: 2, INR: 2, KRW: 0, MXN: 2, NOK: 2, NZD: 2, PLN: 2, RUB: 2, THB: 2, TRY: 2, TWD: 2,
  UAH: 2, VND: 0, ZAR: 2, CLP: 0, PEN: 2, BHD: 3, KWD: 3, ISK: 0 };
const lists = ['A|B', 'A|B|C', 'A|B|C|D', 'A|Ibiza', 'A|hielo', 'A|hijo'];
const amounts = ['0', '123456', '-1999'];

const minor = (amount, digits) => {
  const [sign, all] = amount.startsWith('-') ? ['-', amount.slice(1)] : ['', amount];
  if (digits === 0) return amount;
  const padded = all.padStart(digits + 1, '0');
  return `${sign}${padded.slice(0, -digits)}.${padded.slice(-digits)}`;
};
const map = (keys, f) => Object.fromEntries(keys.map((k) => [k, f(k)]));
const out = {};
for (const tag of tags) {
  const cldr = data[tag] ?? tag;
  const number = new Intl.NumberFormat(cldr, { maximumFractionDigits: 20 });
  const percent = new Intl.NumberFormat(cldr, { style: 'percent', maximumFractionDigits: 20 });
  const date = new Intl.DateTimeFormat(cldr, { dateStyle: 'long', timeZone: 'UTC' });
  const time = new Intl.DateTimeFormat(cldr, { year: 'numeric', month: 'long', day: 'numeric', hour: '2-digit',
    minute: '2-digit', hourCycle: 'h23', timeZone: 'UTC', timeZoneName: 'short' });
  out[tag] = {
    number: map(numbers, (n) => number.format(n)),
    decimal: map(decimals, (n) => number.format(n)),
    percent: map(rates, (n) => percent.format(n)),
    date: map(days, (d) => date.format(new Date(d))),
    dateTime: map(times, (t) => time.format(new Date(t))),
    list: map(lists, (l) => new Intl.ListFormat(cldr, { type: 'conjunction' }).format(l.split('|'))),
    money: map(Object.keys(currencies), (currency) => {
      const digits = currencies[currency];
      const f = new Intl.NumberFormat(cldr, { style: 'currency', currency, minimumFractionDigits: digits,
        maximumFractionDigits: digits });
      return map(amounts, (a) => f.format(minor(a, digits)));
    }),
  };
}
const lines = Object.entries(out).map(([tag, formats]) => `${JSON.stringify(tag)}: ${JSON.stringify(formats)}`);
console.log(`{"cldr": ${JSON.stringify(process.versions.cldr)}, "locales": {\n${lines.join(',\n')}\n}}`);
