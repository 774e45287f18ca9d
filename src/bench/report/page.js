// Draws the plots of the report: the ratios of each suite, and the rounds of each figure on demand.
// Runs in the browser, without external resources.
(() => {
  const run = JSON.parse(document.getElementById('run').textContent);
  const COLORS = ['--a', '--b', '--c', '--d', '--e', '--f'];
  const HEIGHT = { ratios: 320, rounds: 220 };
  const plots = new Map();

  const color = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const widthOf = (place) => Math.max(280, place.clientWidth || place.parentElement.clientWidth);

  function axis(more) {
    const line = { stroke: color('--line'), width: 1 };
    return { stroke: color('--dim'), grid: line, ticks: line, ...more };
  }

  // A dot for each ratio, a bar for its confidence interval, and a line at ratio 1.
  function ratioPlot(place) {
    const points = run.figures
      .filter(({ suite }) => suite === place.dataset.suite)
      .flatMap(({ id, better, ratios }) =>
        ratios.map(({ of, to, ratio, low, high }) => ({ id, better, of, to, ratio, low, high })),
      );
    const names = [...new Set(points.map(({ of, to }) => `${of} / ${to}`))];
    const ids = [...new Set(points.map(({ id }) => id))];
    const xs = ids.map((_, index) => index);
    const at = (name, id) => points.find((it) => it.id === id && `${it.of} / ${it.to}` === name);
    const values = names.map((name) => ids.map((id) => at(name, id)?.ratio ?? null));
    const shift = (series) => (series - (names.length - 1) / 2) * 0.12;
    const all = points.flatMap(({ low, high }) => [low, high]).filter((value) => value > 0);
    // Powers of two, so that the axis has round tick values.
    const power = (round, least) =>
      2 ** round(Math.log2((round === Math.ceil ? Math.max : Math.min)(least, ...all)));
    const bars = (plot) => {
      const { ctx } = plot;
      ctx.save();
      ctx.lineWidth = 2 * devicePixelRatio;
      const one = plot.valToPos(1, 'y', true);
      ctx.strokeStyle = color('--dim');
      ctx.beginPath();
      ctx.moveTo(plot.bbox.left, one);
      ctx.lineTo(plot.bbox.left + plot.bbox.width, one);
      ctx.stroke();
      for (const [series, name] of names.entries()) {
        if (plot.series[series + 1].show === false) continue;
        ctx.strokeStyle = color(COLORS[series % COLORS.length]);
        ctx.fillStyle = ctx.strokeStyle;
        for (const [index, id] of ids.entries()) {
          const point = at(name, id);
          if (point === undefined) continue;
          const x = plot.valToPos(index + shift(series), 'x', true);
          ctx.beginPath();
          ctx.moveTo(x, plot.valToPos(point.low, 'y', true));
          ctx.lineTo(x, plot.valToPos(point.high, 'y', true));
          ctx.stroke();
          ctx.beginPath();
          ctx.arc(x, plot.valToPos(point.ratio, 'y', true), 4 * devicePixelRatio, 0, 2 * Math.PI);
          ctx.fill();
        }
      }
      ctx.restore();
    };
    const options = {
      width: widthOf(place),
      height: HEIGHT.ratios,
      scales: {
        x: { time: false, range: [-0.5, ids.length - 0.5] },
        y: { distr: 3, log: 2, range: [power(Math.floor, 0.5), power(Math.ceil, 2)] },
      },
      axes: [
        axis({
          splits: () => xs,
          values: () => ids,
          rotate: -45,
          size: 130,
        }),
        axis({
          values: (_, splits) =>
            splits.map((it) => (it === null ? '' : `${Number(it.toPrecision(3))}x`)),
        }),
      ],
      series: [
        { label: 'figure', value: (_, index) => (index === null ? '' : ids[Math.round(index)]) },
        ...names.map((label, series) => ({
          label,
          stroke: color(COLORS[series % COLORS.length]),
          paths: () => null,
          points: { show: false },
          value: (_, value) => (value === null ? '' : `${value.toPrecision(3)}x`),
        })),
      ],
      hooks: { draw: [bars] },
    };
    return new uPlot(options, [xs, ...values], place);
  }

  // Samples by round, one line per subject.
  function roundPlot(place) {
    const { suite, figure } = place.dataset;
    const { subjects, unit } = run.figures.find((it) => it.suite === suite && it.id === figure);
    const rounds = Math.max(...subjects.map(({ samples }) => samples.length));
    const options = {
      width: widthOf(place),
      height: HEIGHT.rounds,
      scales: {
        x: { time: false },
        y: { range: (_, low, high) => [Math.min(0, low), high * 1.05 || 1] },
      },
      axes: [axis({ incrs: [1, 2, 5, 10] }), axis({ label: unit, size: 70 })],
      series: [
        { label: 'round' },
        ...subjects.map(({ name }, index) => ({
          label: name,
          stroke: color(COLORS[index % COLORS.length]),
          width: 2,
          points: { show: true },
        })),
      ],
    };
    const xs = Array.from({ length: rounds }, (_, index) => index + 1);
    return new uPlot(options, [xs, ...subjects.map(({ samples }) => samples)], place);
  }

  function draw(place, make) {
    plots.get(place)?.plot.destroy();
    plots.set(place, { plot: make(place), make });
  }

  for (const place of document.querySelectorAll('.ratios')) draw(place, ratioPlot);
  for (const place of document.querySelectorAll('details.rounds')) {
    place.addEventListener('toggle', () => {
      if (place.open && !plots.has(place)) draw(place, roundPlot);
    });
  }
  const again = () => {
    for (const [place, { make }] of [...plots]) draw(place, make);
  };
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', again);
  let waiting;
  addEventListener('resize', () => {
    clearTimeout(waiting);
    waiting = setTimeout(again, 200);
  });
  document.documentElement.dataset.plots = String(plots.size);
})();
