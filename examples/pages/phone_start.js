// What the web SDK does to start: a nonce of 32 random bytes, in this tab only, and off to Phonelink.
document.getElementById('sdk').addEventListener('click', (event) => {
  const bytes = crypto.getRandomValues(new Uint8Array(32));
  const nonce = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
  sessionStorage.setItem('phonelink_nonce', nonce);
  location.assign(event.target.dataset.authUrl + nonce);
});
