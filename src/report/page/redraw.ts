/** Has something drawn whenever its width changes, it comes into view for the first time, or the page becomes dark. */
export function onRedraw(element: HTMLElement, draw: () => void): void {
  let width = 0;
  let seen = false;
  const redraw = () => {
    if (seen && element.clientWidth > 0) requestAnimationFrame(draw);
  };
  new ResizeObserver(() => {
    if (element.clientWidth === width) return;
    width = element.clientWidth;
    redraw();
  }).observe(element);
  // What nobody has scrolled to yet costs nothing.
  const watcher = new IntersectionObserver(
    (entries) => {
      if (!entries.some(({ isIntersecting }) => isIntersecting)) return;
      watcher.disconnect();
      seen = true;
      redraw();
    },
    { rootMargin: '400px' },
  );
  watcher.observe(element);
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', redraw);
}
