const SETTING = 'pantau.reloaded';
const PAUSE_MS = 60_000;

/**
 * After an upgrade the files that an open page still wants are gone: the page is loaded anew, which brings the new ones.
 * At most once a minute, so that a file that is missing for another reason leads to the error page and not in circles.
 */
export function reloadOnNewVersion(): void {
  window.addEventListener('vite:preloadError', (event) => {
    const last = Number(sessionStorage.getItem(SETTING) ?? 0);
    if (Date.now() - last < PAUSE_MS) return;
    event.preventDefault();
    sessionStorage.setItem(SETTING, String(Date.now()));
    window.location.reload();
  });
}
