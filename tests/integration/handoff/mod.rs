//! From a link to a session and back: what a browser is told, and who must not become one.

mod link;
mod location;
mod logout;
mod logout_once;
mod navigation;
mod provider_error;
mod session;

use tower_jwt_auth::JwtAuthLayer;

use crate::support::app::verifier;
use crate::support::site::Site;

/// The default layer with a hand-off.
fn layer() -> JwtAuthLayer {
    JwtAuthLayer::new(verifier()).hand_off().expect("query and cookie are read")
}

fn site() -> Site {
    Site::behind(layer())
}

/// The same, where a link counts once.
fn site_of_single_use() -> Site {
    Site::behind(layer().single_use())
}
