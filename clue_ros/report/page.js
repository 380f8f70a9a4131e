// Filters of the cases, and the switch between light and dark.
'use strict';
{
  const filters = document.getElementById('filters');
  const cases = [...document.querySelectorAll('.case')].map((card) => ({
    card,
    text: card.textContent.toLowerCase(),
  }));

  function apply() {
    const wanted = new FormData(filters);
    const words = wanted.get('text').toLowerCase().split(/\s+/);
    let shown = 0;
    for (const { card, text } of cases) {
      const fits = (name) => !wanted.has(name) || wanted.getAll(name).includes(card.dataset[name]);
      card.hidden = !(
        fits('outcome') && fits('policy') && fits('form') && words.every((word) => text.includes(word))
      );
      shown += !card.hidden;
    }
    document.getElementById('shown').value = `${shown} of ${cases.length} cases`;
    document.getElementById('none').hidden = shown > 0;
  }

  if (filters) {
    filters.addEventListener('input', apply);
    filters.addEventListener('reset', () => setTimeout(apply)); // after the fields are empty
    filters.addEventListener('submit', (event) => event.preventDefault());
    apply(); // a browser may keep the fields of an earlier visit
  }

  const theme = document.getElementById('theme');
  theme.hidden = false;
  theme.addEventListener('click', () => {
    const root = document.documentElement;
    const dark = getComputedStyle(root).colorScheme === 'dark' ||
      (getComputedStyle(root).colorScheme !== 'light' && matchMedia('(prefers-color-scheme: dark)').matches);
    root.style.colorScheme = dark ? 'light' : 'dark';
  });
}
