use http::{Extensions, Response, StatusCode};

use crate::rejection::Anonymous;
use crate::telemetry;
use crate::verify::VerifiedToken;

/// What the layer has left in a request: a token, or word that there is none.
pub(crate) fn presented(extensions: &Extensions) -> Result<Option<&VerifiedToken>, LayerMissing> {
    let token = extensions.get::<VerifiedToken>();
    if token.is_none() && extensions.get::<Anonymous>().is_none() {
        return Err(LayerMissing);
    }
    Ok(token)
}

/// No layer has looked at the request: a mistake in the program.
pub(crate) struct LayerMissing;

impl LayerMissing {
    pub(crate) const TEXT: &'static str =
        "this route looks for a verified token but is not behind a tower_jwt_auth::JwtAuthLayer";

    /// For whoever has made it to find.
    pub(crate) fn answer() -> Response<String> {
        telemetry::layer_missing();
        let mut response = Response::new(Self::TEXT.to_owned());
        *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
        response
    }
}
