//! What voters read of a declaration.

use release_types::declaration::DeclareOutcomeArgs;

use super::rendering::Rendering;

pub fn render(args: &DeclareOutcomeArgs) -> String {
    let DeclareOutcomeArgs { order, artifact, published, reason } = args;
    let mut text = Rendering::new(if *published {
        "Declare that a file was published, without proof"
    } else {
        "Declare that a file was not published, without proof"
    });
    text.line("order", &order.0);
    text.line("artifact", artifact.to_string());
    text.line("reason", reason);
    text.finish()
}
