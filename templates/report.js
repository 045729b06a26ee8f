
'use strict';
(() => {
  const find = id => document.getElementById(id);
  const make = (name, text, classes) => {
    const element = document.createElement(name);
    if (text !== undefined) element.textContent = text;
    if (classes) element.className = classes;
    return element;
  };
  const table = find('table');
  if (!table) return;
  const data = JSON.parse(find('data').textContent);
  const body = table.tBodies[0];
  const rows = [...body.rows].map((element, number) => ({
    element, number,
    text: element.textContent.toLowerCase(),
    status: element.cells[3].textContent,
  }));
  for (const element of document.querySelectorAll('.scripted')) element.hidden = false;

  // Sorting: a heading is a button, and says how its column is sorted.
  const headings = [...table.tHead.rows[0].cells].slice(1);
  const collator = new Intl.Collator(undefined, { numeric: true });
  const valueOf = (row, column) => {
    const cell = row.element.cells[column];
    if (!cell.classList.contains('number')) return cell.textContent;
    return cell.dataset.by === undefined ? null : Number(cell.dataset.by);
  };
  const sort = (heading, column) => {
    const rises = heading.getAttribute('aria-sort') !== 'ascending';
    for (const each of headings) each.removeAttribute('aria-sort');
    heading.setAttribute('aria-sort', rises ? 'ascending' : 'descending');
    const keyed = rows.map(row => ({ row, value: valueOf(row, column) }));
    keyed.sort((a, b) => {
      // What has no value is last, whichever way.
      const missing = (a.value === null || a.value === '') - (b.value === null || b.value === '');
      if (missing) return missing;
      const order = typeof a.value === 'number' ? a.value - b.value : collator.compare(a.value, b.value);
      return (rises ? order : -order) || a.row.number - b.row.number;
    });
    body.append(...keyed.map(each => each.row.element));
  };
  headings.forEach((heading, index) => {
    const button = make('button', heading.textContent);
    button.type = 'button';
    button.addEventListener('click', () => sort(heading, index + 1));
    heading.replaceChildren(button);
  });

  // Filtering: every word is somewhere in the row.
  const filter = () => {
    const words = find('filter').value.toLowerCase().split(/\s+/).filter(Boolean);
    const status = find('status').value;
    let shown = 0;
    for (const row of rows) {
      const fits = (!status || row.status === status) && words.every(word => row.text.includes(word));
      row.element.hidden = !fits;
      shown += fits;
    }
    find('count').textContent = `${shown} of ${rows.length} runs`;
  };
  find('filters').addEventListener('submit', event => event.preventDefault());
  find('filter').addEventListener('input', filter);
  find('status').addEventListener('change', filter);

  // Comparing: the two rows that are ticked, or chosen in the lists.
  const sides = [find('a'), find('b')];
  const boxes = rows.map((row, number) => {
    const box = make('input');
    box.type = 'checkbox';
    box.setAttribute('aria-label', `Compare ${data.runs[number].job}`);
    row.element.cells[0].append(box);
    return box;
  });
  for (const side of sides) {
    side.append(new Option('choose a run', ''));
    data.runs.forEach((run, number) => side.append(new Option(`${run.job} (${run.when})`, number)));
  }
  const listed = facts => typeof facts === 'number' ? data.lists[facts] : facts;
  const short = (digest, facts) => digest ?? (facts && `${Object.keys(facts).length} listed`);
  // As `sgbuild runs --diff` does it: lists item by item where both are known, else what stands for them.
  const between = (kind, [digestA, factsA], [digestB, factsB]) => {
    const a = listed(factsA), b = listed(factsB);
    if (!a || !b) {
      const [left, right] = [short(digestA, a), short(digestB, b)];
      return left === right ? [] : [[kind, 'digest of all', left, right]];
    }
    const of = (facts, name) => Object.hasOwn(facts, name) ? facts[name] : undefined;
    const names = [...new Set([...Object.keys(a), ...Object.keys(b)])].sort();
    return names.filter(name => of(a, name) !== of(b, name)).map(name => [kind, name, of(a, name), of(b, name)]);
  };
  const difference = ([, name, a, b]) => {
    const row = make('tr');
    const heading = make('th', name);
    heading.scope = 'row';
    row.append(heading);
    for (const [value, side] of [[a, 'a'], [b, 'b']])
      row.append(value === undefined || value === null ? make('td', 'nothing', 'nothing') : make('td', value, side));
    return row;
  };
  const compare = () => {
    const chosen = sides.map(side => side.value);
    boxes.forEach((box, number) => { box.checked = chosen.includes(String(number)); });
    const place = find('differences');
    if (chosen.includes('')) return place.replaceChildren(make('p', 'Tick two runs in the table, or choose them here.'));
    const [a, b] = chosen.map(number => data.runs[number]);
    const found = data.kinds.flatMap((kind, number) => between(kind, a.groups[number], b.groups[number]));
    if (!found.length) return place.replaceChildren(make('p', 'Nothing that is recorded differs.'));
    const scroller = make('div', undefined, 'scroller');
    scroller.tabIndex = 0;
    scroller.setAttribute('role', 'region');
    scroller.setAttribute('aria-label', 'Differences');
    const result = make('table'), head = make('tr');
    result.append(make('caption', `What differs between ${a.job} (A) and ${b.job} (B): ${found.length}`));
    for (const title of ['What', 'A', 'B']) {
      const heading = make('th', title);
      heading.scope = 'col';
      head.append(heading);
    }
    result.createTHead().append(head);
    for (const kind of data.kinds) {
      const of = found.filter(each => each[0] === kind);
      if (!of.length) continue;
      const heading = make('th', kind, 'kind'), row = make('tr');
      heading.scope = 'rowgroup';
      heading.colSpan = 3;
      row.append(heading);
      result.createTBody().append(row, ...of.map(difference));
    }
    scroller.append(result);
    place.replaceChildren(scroller);
  };
  for (const side of sides) side.addEventListener('change', compare);
  find('sides').addEventListener('submit', event => event.preventDefault());
  // A third tick takes the place of the one before the last.
  boxes.forEach((box, number) => box.addEventListener('change', () => {
    const [a, b] = sides;
    if (!box.checked) {
      for (const side of sides) if (side.value === String(number)) side.value = '';
    } else if (!a.value) a.value = number;
    else if (!b.value) b.value = number;
    else [a.value, b.value] = [b.value, number];
    compare();
  }));
  compare();
})();
