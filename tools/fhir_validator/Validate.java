import ca.uhn.fhir.context.FhirContext;
import ca.uhn.fhir.context.support.DefaultProfileValidationSupport;
import ca.uhn.fhir.validation.FhirValidator;
import ca.uhn.fhir.validation.SingleValidationMessage;
import java.nio.file.Files;
import java.nio.file.Path;
import org.hl7.fhir.common.hapi.validation.support.CommonCodeSystemsTerminologyService;
import org.hl7.fhir.common.hapi.validation.support.InMemoryTerminologyServerValidationSupport;
import org.hl7.fhir.common.hapi.validation.support.PrePopulatedValidationSupport;
import org.hl7.fhir.common.hapi.validation.support.SnapshotGeneratingValidationSupport;
import org.hl7.fhir.common.hapi.validation.support.ValidationSupportChain;
import org.hl7.fhir.common.hapi.validation.validator.FhirInstanceValidator;
import org.hl7.fhir.instance.model.api.IBaseBundle;
import org.hl7.fhir.instance.model.api.IBaseResource;

/**
 * Validate FHIR resources with HL7's instance validator and the definitions of the specification, without a network.
 *
 * <p>Arguments: r4 or r5, a bundle of CodeSystems and ValueSets that the resources use, and the files to validate.
 * Output: a line for each message: file, severity, message id, location and text, separated by tabs.
 */
public class Validate {
  public static void main(String[] arguments) throws Exception {
    FhirContext context = arguments[0].equals("r5") ? FhirContext.forR5() : FhirContext.forR4();
    PrePopulatedValidationSupport terminology = new PrePopulatedValidationSupport(context);
    IBaseBundle bundle = (IBaseBundle) context.newJsonParser().parseResource(Files.readString(Path.of(arguments[1])));
    for (IBaseResource resource : context.newTerser().getAllEmbeddedResources(bundle, false)) {
      terminology.addResource(resource);
    }
    FhirInstanceValidator specification =
        new FhirInstanceValidator(
            new ValidationSupportChain(
                new DefaultProfileValidationSupport(context),
                terminology,
                new CommonCodeSystemsTerminologyService(context),
                new InMemoryTerminologyServerValidationSupport(context),
                new SnapshotGeneratingValidationSupport(context)));
    specification.setErrorForUnknownProfiles(true);
    FhirValidator validator = context.newValidator();
    validator.registerValidatorModule(specification);
    for (int file = 2; file < arguments.length; file++) {
      for (SingleValidationMessage message :
          validator.validateWithResult(Files.readString(Path.of(arguments[file]))).getMessages()) {
        String text = message.getMessage().replaceAll("\\s+", " ");
        System.out.println(
            String.join(
                "\t",
                arguments[file],
                message.getSeverity().getCode(),
                String.valueOf(message.getMessageId()),
                String.valueOf(message.getLocationString()),
                text));
      }
    }
  }
}
