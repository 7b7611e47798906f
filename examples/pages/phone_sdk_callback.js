// What the web SDK does at the end: the nonce is read once, and the page sends both to its server.
const show = (says, phone = '', code = '') => {
  document.getElementById('says').textContent = says;
  document.getElementById('phone').textContent = phone;
  document.getElementById('code').textContent = code && `Code: ${code}`;
};

const query = new URLSearchParams(location.search);
const nonce = sessionStorage.getItem('phonelink_nonce');
sessionStorage.removeItem('phonelink_nonce');
// The token is taken out of the address bar and the history.
history.replaceState(null, '', location.pathname);

if (query.has('error')) {
  show('You have cancelled. You can try again.', '', query.get('error'));
} else if (!query.has('token')) {
  show('Phonelink sends you here with a result. There is none.');
} else {
  const answer = await fetch('/api/verify-phone', {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ token: query.get('token'), nonce: nonce ?? '' }),
  });
  const body = await answer.json();
  if (answer.ok) show('This number is yours:', body.phone);
  else show('The number was not verified. Start again.', '', body.code);
}
